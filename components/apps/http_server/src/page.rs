//! The page that shows the system: one document without outside resources, put together from the files in `page/`.

/// The document.
pub const PAGE: &str = concat!(
    include_str!("page/head.html"),
    "<style>\n",
    include_str!("page/style.css"),
    "</style>\n",
    include_str!("page/body.html"),
    "<script>\n",
    include_str!("page/base.js"),
    include_str!("page/graph.js"),
    include_str!("page/component.js"),
    include_str!("page/log.js"),
    include_str!("page/page.js"),
    "</script>\n</body>\n</html>\n",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        assert!(PAGE.starts_with("<!DOCTYPE html>") && PAGE.ends_with("</html>\n"));
        // Names of namespaces are no addresses.
        let rest = PAGE.replace("http://www.w3.org/2000/svg", "");
        for word in ["http://", "https://", "//cdn", "@import", " src="] {
            assert!(!rest.contains(word), "{word}");
        }
        for (open, close) in [("<style>", "</style>"), ("<script>", "</script>")] {
            assert_eq!(
                (PAGE.matches(open).count(), PAGE.matches(close).count()),
                (1, 1)
            );
        }
    }
}
