//! Puts a table into a README, between two markers and nowhere else.

use super::ReportError;

/// The line before the block.
pub(crate) const BLOCK_BEGIN: &str = "<!-- tonnage:begin -->";
/// The line after the block.
pub(crate) const BLOCK_END: &str = "<!-- tonnage:end -->";

/// The text with what stands between the two markers replaced by `block`; every other byte stays as it is.
pub(crate) fn replace_block(readme: &str, block: &str) -> Result<String, ReportError> {
    let begin = only(readme, BLOCK_BEGIN)?;
    let end = only(readme, BLOCK_END)?;
    let start = begin + BLOCK_BEGIN.len();
    if end < start {
        return Err(ReportError::MarkersAmbiguous { begin: BLOCK_BEGIN, end: BLOCK_END });
    }
    let line = if readme.contains("\r\n") { "\r\n" } else { "\n" };
    let block = block.trim().replace('\n', line);
    Ok(format!("{}{line}{line}{block}{line}{line}{}", &readme[..start], &readme[end..]))
}

/// Where the marker stands on a line of its own, if it does so once.
fn only(text: &str, marker: &'static str) -> Result<usize, ReportError> {
    let mut offset = 0;
    let mut found = None;
    for line in text.split_inclusive('\n') {
        if line.trim() == marker {
            if found.is_some() {
                return Err(ReportError::MarkersAmbiguous { begin: BLOCK_BEGIN, end: BLOCK_END });
            }
            found = Some(offset + line.find(marker).unwrap_or(0));
        }
        offset += line.len();
    }
    found.ok_or(ReportError::MarkerMissing { marker })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_block_changes() {
        let readme = "# A\n\n<!-- tonnage:begin -->\nold\n<!-- tonnage:end -->\nrest  \n\n";
        let once = replace_block(readme, "new\ntable\n").unwrap();
        assert_eq!(once, "# A\n\n<!-- tonnage:begin -->\n\nnew\ntable\n\n<!-- tonnage:end -->\nrest  \n\n");
        assert_eq!(replace_block(&once, "new\ntable\n").unwrap(), once, "twice changes nothing more");
    }

    #[test]
    fn line_ends_of_the_file_are_kept() {
        let readme = "a\r\n<!-- tonnage:begin -->\r\n<!-- tonnage:end -->\r\nb";
        let out = replace_block(readme, "x\ny").unwrap();
        assert_eq!(out, "a\r\n<!-- tonnage:begin -->\r\n\r\nx\r\ny\r\n\r\n<!-- tonnage:end -->\r\nb");
    }

    #[test]
    fn no_place_or_two_places_are_refused() {
        assert!(matches!(replace_block("nothing", "x"), Err(ReportError::MarkerMissing { .. })));
        let one = "<!-- tonnage:begin -->\n<!-- tonnage:end -->\n";
        assert!(matches!(replace_block(&one.repeat(2), "x"), Err(ReportError::MarkersAmbiguous { .. })));
        let wrong = "<!-- tonnage:end -->\n<!-- tonnage:begin -->\n";
        assert!(matches!(replace_block(wrong, "x"), Err(ReportError::MarkersAmbiguous { .. })));
        // A marker that is only mentioned in a sentence is not a place.
        assert!(replace_block("say `<!-- tonnage:begin -->` and", "x").is_err());
    }
}
