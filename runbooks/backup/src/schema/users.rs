//! Who may do what in a schema: statements that make its users and their rights again.

use std::collections::BTreeSet;

use mysql_async::{Conn, prelude::Queryable};

use crate::{Error, server::literal};

/// What makes the users who have rights in this schema, but for the one who asks. It holds hashes of their passwords.
pub(crate) async fn users(connection: &mut Conn, schema: &str) -> Result<Vec<String>, Error> {
    let failed = || Error::server("reading who has rights in the schema");
    // MySQL prints hashes of passwords as they are, which need not be text; MariaDB does not know this, and need not.
    let _ = connection.query_drop("SET SESSION print_identified_with_as_hex = ON").await;
    let mut names = BTreeSet::new();
    for view in ["schema_privileges", "table_privileges", "column_privileges"] {
        let query =
            format!("SELECT DISTINCT grantee FROM information_schema.{view} WHERE table_schema = {}", literal(schema));
        names.extend(connection.query::<String, _>(query).await.map_err(failed())?);
    }
    let own: Option<String> = connection.query_first("SELECT CURRENT_USER()").await.map_err(failed())?;
    let own = own.as_deref().map(account).unwrap_or_default();
    let mut statements = Vec::new();
    for name in names.into_iter().filter(|name| *name != own) {
        let create: Option<String> =
            connection.query_first(format!("SHOW CREATE USER {name}")).await.map_err(failed())?;
        statements.extend(create.map(|create| create.replacen("CREATE USER ", "CREATE USER IF NOT EXISTS ", 1)));
        let grants: Vec<String> = connection.query(format!("SHOW GRANTS FOR {name}")).await.map_err(failed())?;
        // MariaDB repeats the password here.
        statements.extend(grants.iter().map(|grant| grant.split(" IDENTIFIED BY ").next().unwrap_or(grant).to_owned()));
    }
    Ok(statements)
}

/// `name@host` as `information_schema` writes it.
fn account(plain: &str) -> String {
    let (name, host) = plain.rsplit_once('@').unwrap_or((plain, "%"));
    format!("'{name}'@'{host}'")
}
