//! Tables for people: aligned columns, no frame.

use comfy_table::{ContentArrangement, Table, presets};

/// A table with a heading.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled).set_header(head);
    for row in rows {
        table.add_row(row);
    }
    // The first column starts at the margin, and no line ends in blanks.
    table
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_are_aligned_and_lines_end_clean() {
        let text = super::table(["part", "state"], [["a".into(), "healthy".into()], ["longer".into(), "b".into()]]);
        insta::assert_snapshot!(text, @r"
        part    state
        a       healthy
        longer  b
        ");
    }
}
