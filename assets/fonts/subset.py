#!/usr/bin/env python3
"""Makes the two embedded chart fonts from Debian's fonts-liberation2 (needs PyPI `fonttools`).

    python3 assets/fonts/subset.py /usr/share/fonts/truetype/liberation2 assets/fonts

Keeps Latin, Greek, Cyrillic and the signs that tables use, drops hinting, and renames the result, because the
SIL Open Font License reserves the name "Liberation" for the unmodified fonts. The output is the same bytes each time.
"""
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

RANGES = [
    (0x20, 0x7E), (0xA0, 0x17F), (0x386, 0x3CE), (0x400, 0x45F), (0x2010, 0x2015), (0x2018, 0x201E),
    (0x2020, 0x2022), (0x2026, 0x2026), (0x2030, 0x2030), (0x2032, 0x2033), (0x20AC, 0x20AC), (0x2190, 0x2193),
    (0x2206, 0x2206), (0x2212, 0x2212), (0x221E, 0x221E), (0x2248, 0x2248), (0x2260, 0x2265), (0xFFFD, 0xFFFD),
]


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    for style in ("Regular", "Bold"):
        font = TTFont(source / f"LiberationSans-{style}.ttf", recalcTimestamp=False)
        options = subset.Options(hinting=False, layout_features=["kern"], name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14],
                                 notdef_outline=True, recalc_timestamp=False)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=[c for low, high in RANGES for c in range(low, high + 1)])
        subsetter.subset(font)
        for record in font["name"].names:
            if record.nameID in (1, 3, 4, 6):
                record.string = {1: "Tonnage Sans", 3: f"Tonnage Sans {style}", 4: f"Tonnage Sans {style}",
                                 6: f"TonnageSans-{style}"}[record.nameID]
        font.save(target / f"TonnageSans-{style}.ttf")


main()
