//! The next generation of what can be neither renamed nor restored in place: made, watched, and put into the role.

use aws_sdk_lightsail::primitives::DateTime;
use aws_sdk_lightsail::types::{RelationalDatabase, RelationalDatabaseParameter};
use jewel_engine::Failure;
use jiff::Timestamp;

use super::{database::Database, tag_list};
use crate::{
    Clients, DatabaseSecret, Names, StackSpec, classify, failure::optional, secrets::DatabaseCredentials, tags::Tags,
};

/// What a database is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseOrigin {
    /// Nothing: its data comes later.
    Nothing,
    /// A snapshot, by its name.
    Snapshot(String),
    /// What another one was at a time before the latest that its automatic backups reach.
    PointInTime {
        /// The other one, which must still be there.
        source: String,
        /// When; to the second.
        at: Timestamp,
    },
}

/// A database as Lightsail describes it, in the role or not.
#[derive(Debug, Clone)]
pub struct DatabaseSight {
    /// Its state in RDS's words, such as `available`.
    pub state: String,
    /// Where it listens, once it has an address.
    pub endpoint: Option<(String, u16)>,
    /// How far its automatic backups reach.
    pub latest_restorable: Option<Timestamp>,
    /// Its bundle.
    pub bundle: String,
    /// Gigabytes of its disk.
    pub disk_gb: Option<i32>,
}

impl DatabaseSight {
    /// Whether it is on its way out: for minutes it is listed still, and nothing can be made of it any more.
    #[must_use]
    pub fn is_being_deleted(&self) -> bool {
        self.state == "deleting"
    }
}

/// The databases of a shop: the one in use, those before it, and the next one.
pub struct Databases<'a> {
    spec: &'a StackSpec,
    clients: &'a Clients,
    names: Names,
    credentials: DatabaseCredentials,
}

impl<'a> Databases<'a> {
    /// Those of the shop that `spec` describes.
    #[must_use]
    pub fn new(spec: &'a StackSpec, clients: &'a Clients) -> Self {
        Self { spec, clients, names: Names::new(spec), credentials: DatabaseCredentials::new(spec, clients) }
    }

    /// The names of all generations there are, the oldest first.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn all(&self) -> Result<Vec<String>, Failure> {
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let sent = self.clients.lightsail.get_relational_databases().set_page_token(token).send().await;
            let page = sent.map_err(|error| classify("list the databases", error))?;
            names.extend(page.relational_databases.unwrap_or_default().into_iter().filter_map(|one| one.name));
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        let mut numbered: Vec<_> =
            names.into_iter().filter_map(|name| Some((self.names.number("db", &name)?, name))).collect();
        numbered.sort_unstable();
        Ok(numbered.into_iter().map(|(_, name)| name).collect())
    }

    /// A name that none of them had, the one in use included where it is lost.
    ///
    /// # Errors
    /// As [`Databases::all`].
    pub async fn next(&self, current: &str) -> Result<String, Failure> {
        let there = self.all().await?;
        let number = |name: &str| self.names.number("db", name);
        let highest = there.iter().map(String::as_str).chain([current]).filter_map(number).max().unwrap_or(0);
        Ok(self.names.generation("db", highest + 1))
    }

    /// What Lightsail says of one of them; `None` when it is not there.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn sight(&self, name: &str) -> Result<Option<DatabaseSight>, Failure> {
        let sent = self.clients.lightsail.get_relational_database().relational_database_name(name).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read database {name}"), error)))?;
        Ok(answer.and_then(|answer| answer.relational_database).map(|one| seen(&one)))
    }

    /// Orders one, unless there is one of this name: whoever was killed after the order finds it.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn make(&self, name: &str, origin: &DatabaseOrigin) -> Result<(), Failure> {
        if self.sight(name).await?.is_some() {
            return Ok(());
        }
        if *origin == DatabaseOrigin::Nothing {
            return Database::new(self.spec, self.clients).make(name).await;
        }
        let create = self
            .clients
            .lightsail
            .create_relational_database_from_snapshot()
            .relational_database_name(name)
            .availability_zone(format!("{}{}", self.spec.region, self.spec.database.zone))
            .relational_database_bundle_id(&self.spec.database.bundle)
            .publicly_accessible(false)
            .set_tags(Some(tag_list(&Tags::new(self.spec, "database"))));
        let create = match origin {
            DatabaseOrigin::Nothing => create,
            DatabaseOrigin::Snapshot(snapshot) => create.relational_database_snapshot_name(snapshot),
            DatabaseOrigin::PointInTime { source, at } => {
                create.source_relational_database_name(source).restore_time(DateTime::from_secs(at.as_second()))
            }
        };
        create.send().await.map_err(|error| classify(format!("restore database {name}"), error))?;
        Ok(())
    }

    /// How to log in to one of them; `None` until it has an address.
    ///
    /// # Errors
    /// When Lightsail refuses, also because it has no password for it yet.
    pub async fn login(&self, name: &str) -> Result<Option<DatabaseSecret>, Failure> {
        let Some((host, port)) = self.sight(name).await?.and_then(|sight| sight.endpoint) else { return Ok(None) };
        Ok(Some(self.credentials.of(name, &host, port).await?))
    }

    /// Lets Lightsail make a new password for the master user of one of them.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn rotate_password(&self, name: &str) -> Result<(), Failure> {
        let update = self.clients.lightsail.update_relational_database().relational_database_name(name);
        let sent = update.rotate_master_user_password(true).apply_immediately(true).send().await;
        sent.map_err(|error| classify(format!("change the password of database {name}"), error))?;
        Ok(())
    }

    /// Puts one of them into the role. What uses it has to be told.
    ///
    /// # Errors
    /// When the secret cannot be written.
    pub async fn put_in_use(&self, login: &DatabaseSecret) -> Result<(), Failure> {
        self.credentials.point_at(login).await
    }

    /// Sets in `to` what somebody had set in `from`: a restored database has its family's usual parameters. Gives the
    /// names of what was set, and whether a reboot is needed for any of it.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn carry_parameters(&self, from: &str, to: &str) -> Result<(Vec<String>, bool), Failure> {
        let (theirs, ours) = tokio::try_join!(self.parameters(from), self.parameters(to))?;
        let value = |name: Option<&str>| {
            ours.iter().find(|one| one.parameter_name() == name).and_then(|one| one.parameter_value())
        };
        let differing: Vec<RelationalDatabaseParameter> = theirs
            .into_iter()
            .filter(|one| one.is_modifiable().unwrap_or(false) && one.parameter_value().is_some())
            .filter(|one| value(one.parameter_name()) != one.parameter_value())
            .collect();
        let names: Vec<String> = differing.iter().filter_map(|one| one.parameter_name.clone()).collect();
        let reboots = differing.iter().any(|one| one.apply_type() == Some("static"));
        if names.is_empty() {
            return Ok((names, false));
        }
        let set = differing.into_iter().map(|one| {
            RelationalDatabaseParameter::builder()
                .set_parameter_name(one.parameter_name)
                .set_parameter_value(one.parameter_value)
                .set_apply_method(one.apply_method)
                .build()
        });
        let update = self.clients.lightsail.update_relational_database_parameters().relational_database_name(to);
        let sent = update.set_parameters(Some(set.collect())).send().await;
        sent.map_err(|error| classify(format!("set the parameters of database {to}"), error))?;
        Ok((names, reboots))
    }

    async fn parameters(&self, name: &str) -> Result<Vec<RelationalDatabaseParameter>, Failure> {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let ask = self.clients.lightsail.get_relational_database_parameters().relational_database_name(name);
            let sent = ask.set_page_token(token).send().await;
            let page = sent.map_err(|error| classify(format!("read the parameters of database {name}"), error))?;
            all.extend(page.parameters.unwrap_or_default());
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    }
}

fn seen(database: &RelationalDatabase) -> DatabaseSight {
    let endpoint = database.master_endpoint().and_then(|one| one.address().zip(one.port()));
    DatabaseSight {
        state: database.state().unwrap_or_default().to_owned(),
        endpoint: endpoint.and_then(|(host, port)| Some((host.to_owned(), u16::try_from(port).ok()?))),
        latest_restorable: database.latest_restorable_time().and_then(|at| Timestamp::from_second(at.secs()).ok()),
        bundle: database.relational_database_bundle_id().unwrap_or_default().to_owned(),
        disk_gb: database.hardware().and_then(|hardware| hardware.disk_size_in_gb()),
    }
}
