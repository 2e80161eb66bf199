#!/usr/bin/env python3
"""Makes CPython 3.9's setup.py look for libraries in one folder only.

    only-prefix.py SETUP_PY PREFIX

As shipped it also searches the machine's own directories, and would take glibc's libraries into a musl build.
"""

import os
import re
import sys

setup, prefix = sys.argv[1:]
with open(setup, encoding="utf-8") as file:
    text = file.read()

changes = [
    # the compiler's multiarch directories
    (r"def add_multiarch_paths\(self\):\n", r"\g<0>        return\n"),
    (r"add_dir_to_list\(self\.compiler\.library_dirs, '/usr/local/lib'\)", "pass"),
    (r"add_dir_to_list\(self\.compiler\.include_dirs, '/usr/local/include'\)", "pass"),
    (r"system_lib_dirs = \['/lib64'[^]]*\]", f"system_lib_dirs = ['{prefix}/lib']"),
    (
        r"system_include_dirs = \['/usr/include'\]",
        f"system_include_dirs = ['{prefix}/include', '/usr/include/x86_64-linux-musl']",
    ),
    (r'"/usr/include/uuid"', f'"{prefix}/include/uuid"'),
    (r"sqlite_inc_paths = \[[^]]*\]", f"sqlite_inc_paths = ['{prefix}/include']"),
]
for pattern, replacement in changes:
    text, count = re.subn(pattern, replacement, text)
    if count == 0:
        sys.exit(f"error: {setup} is not what is expected: nothing matches {pattern}")
# a directory outside the system's is not searched when its own prefix is /usr
text = text.replace("os.path.normpath(sys.base_prefix) != '/usr'", "False")

with open(setup, "w", encoding="utf-8") as file:
    file.write(text)
epoch = int(os.environ["SOURCE_DATE_EPOCH"])
os.utime(setup, (epoch, epoch))
