//! Analysis turned into terminal tables, Markdown, charts and a page. Measures nothing.
