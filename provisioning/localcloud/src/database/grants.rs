//! What the master user may do: what Lightsail grants and no more.
//!
//! The list is RDS's for MySQL 8.0.36 and later ("Master user account privileges" in its user guide), on which Lightsail
//! runs. RDS grants RELOAD too but denies `FLUSH TABLES WITH READ LOCK` by a patched server; a stock server cannot tell
//! the two apart, so RELOAD is left out and its harmless parts are granted where the server has names for them.

use super::engine::Flavour;

/// Privileges on everything, with the right to pass them on.
const BOTH: [&str; 24] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "PROCESS",
    "REFERENCES",
    "INDEX",
    "ALTER",
    "SHOW DATABASES",
    "CREATE TEMPORARY TABLES",
    "LOCK TABLES",
    "EXECUTE",
    "REPLICATION SLAVE",
    "REPLICATION CLIENT",
    "CREATE VIEW",
    "SHOW VIEW",
    "CREATE ROUTINE",
    "ALTER ROUTINE",
    "CREATE USER",
    "EVENT",
    "TRIGGER",
    "USAGE",
];

/// What only MySQL has; versions differ (8.4 replaced `SET_USER_ID` by two), so each is granted by itself and one that
/// the server does not know is left out.
const MYSQL_IF_KNOWN: [&str; 9] = [
    "CREATE ROLE",
    "DROP ROLE",
    "APPLICATION_PASSWORD_ADMIN",
    "ROLE_ADMIN",
    "SET_USER_ID",
    "SET_ANY_DEFINER",
    "XA_RECOVER_ADMIN",
    "FLUSH_STATUS",
    "FLUSH_OPTIMIZER_COSTS",
];

/// What MySQL's partial revokes take back in the system schemas, so that the master user cannot grant itself more by
/// writing to them. MariaDB has nothing like it: there the wall is only as high as the list above.
const MYSQL_REVOKED_IN_SYSTEM: &str = "INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, LOCK TABLES, \
     CREATE VIEW, CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER, CREATE TEMPORARY TABLES";

/// Statements that make `account` what it should be. The second list may fail statement by statement.
pub(crate) fn statements(flavour: Flavour, account: &str) -> (Vec<String>, Vec<String>) {
    let mut must = vec![format!("GRANT {} ON *.* TO {account} WITH GRANT OPTION", BOTH.join(", "))];
    let mut may = Vec::new();
    if flavour == Flavour::MySql {
        must.push("SET GLOBAL partial_revokes = ON".to_owned());
        for schema in ["mysql", "sys"] {
            must.push(format!("REVOKE {MYSQL_REVOKED_IN_SYSTEM} ON {schema}.* FROM {account}"));
        }
        may.extend(MYSQL_IF_KNOWN.map(|privilege| format!("GRANT {privilege} ON *.* TO {account} WITH GRANT OPTION")));
    }
    (must, may)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_lightsail_withholds_is_granted() {
        for flavour in [Flavour::MariaDb, Flavour::MySql] {
            let (must, may) = statements(flavour, "'u'@'%'");
            let all = [must, may].concat().join("\n");
            for withheld in
                ["SUPER", "BACKUP_ADMIN", "SYSTEM_VARIABLES", "RELOAD", "FILE", "SHUTDOWN", "ALL PRIVILEGES"]
            {
                assert!(!all.contains(withheld), "{flavour:?}: {withheld}");
            }
        }
    }
}
