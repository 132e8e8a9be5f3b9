//! Where things are on an instance. The only place that spells these paths, besides the unit files.

/// The service, its socket, its user and its binary share this name.
pub const SERVICE: &str = "jewel-api";
/// The unit a new release is tried in, beside the old one.
pub const CANDIDATE: &str = "jewel-api-candidate";
/// The system user the service runs as.
pub const SERVICE_USER: &str = "jewel";
/// The port the socket unit owns.
pub const PUBLIC_PORT: u16 = 80;
/// The loopback port a candidate listens on.
pub const CANDIDATE_PORT: u16 = 18080;
/// Everything the tool puts on the instance.
pub const ROOT: &str = "/opt/jewel";
/// One directory per release.
pub const RELEASES: &str = "/opt/jewel/releases";
/// Symlink to the release in service, relative: `releases/<id>`.
pub const CURRENT: &str = "/opt/jewel/current";
/// Where uploads land; belongs to the user who logs in, on the same file system as the releases.
pub const INCOMING: &str = "/opt/jewel/incoming";
/// The script that lets only signed releases start.
pub const VERIFY: &str = "/opt/jewel/verify";
/// The public half of the key that releases are signed with.
pub const PUBLIC_KEY: &str = "/opt/jewel/release.pub";
/// The environment of the service, secrets included; root's alone.
pub const ENVIRONMENT: &str = "/etc/jewel/api.env";
/// The environment of a release that is being tried.
pub const CANDIDATE_ENVIRONMENT: &str = "/etc/jewel/api.env.candidate";
/// The environment before the last switch, for the way back.
pub const PREVIOUS_ENVIRONMENT: &str = "/etc/jewel/api.env.previous";
/// The digest of the set-up that was done, so that it is done once.
pub const SETUP_STAMP: &str = "/opt/jewel/.setup";
