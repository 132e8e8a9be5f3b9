//! The `jewel.toml` that `init` writes: every option, explained, with its default.

/// The file for a shop of this name.
pub fn render(project: &str) -> String {
    TEMPLATE.replace("{project}", project)
}

const TEMPLATE: &str = include_str!("template.toml");

#[cfg(test)]
mod tests {
    use super::super::file::File;

    #[test]
    fn the_template_says_the_defaults() {
        let written: File = toml::from_str(&super::render("shop")).unwrap();
        assert_eq!(written, File::named("shop"));
    }

    #[test]
    fn the_template_explains_every_option() {
        let text = super::render("shop");
        let all = toml::Value::try_from(File {
            account_id: Some(String::new()),
            database: super::super::file::Database { secret: Some("x".into()), ..Default::default() },
            payments: super::super::file::Payments { bank_details: Some("x".into()), ..Default::default() },
            site: super::super::file::Site { dir: Some("x".into()) },
            local: super::super::file::Local {
                mysqld: Some("x".into()),
                stripe_url: Some("x".into()),
                ..Default::default()
            },
            ..File::named("shop")
        })
        .unwrap();
        for (key, value) in all.as_table().unwrap().iter().filter(|(key, _)| *key != "env") {
            let keys: Vec<&String> = value.as_table().map_or_else(|| vec![key], |table| table.keys().collect());
            for key in keys {
                assert!(
                    text.lines().any(|line| line.trim_start_matches("# ").starts_with(&format!("{key} ="))),
                    "{key} is not in the template"
                );
            }
        }
        assert!(text.contains("\n# [env.staging]\n"));
    }
}
