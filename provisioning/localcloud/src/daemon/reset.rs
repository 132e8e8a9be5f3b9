//! Erasing a cloud: stopped, then its data, network and slot; the cache stays.

use super::{guard, settings::Settings, slots, stop};
use crate::{error::Error, event::Event, files, network, options::Options};

/// Stops the cloud and erases everything in it. A cloud that does not exist is not an error.
///
/// # Errors
/// When it cannot be stopped, or its directory holds something else.
pub async fn reset(options: &Options, on_event: &mut (dyn FnMut(Event) + Send)) -> Result<(), Error> {
    guard::root_on_linux()?;
    let options = guard::absolute(options)?;
    if !options.data_dir.exists() {
        on_event(Event::Erased);
        return Ok(());
    }
    // Damaged settings are a reason to reset, not an obstacle to it; the slot then stays claimed until a reboot.
    let settings = Settings::read(&options.data_dir).ok().flatten();
    if settings.is_none() {
        refuse_foreign(&options)?;
    }
    stop::down(&options, on_event).await?;
    on_event(Event::Erasing);
    stop::unmount(&options.data_dir).await?;
    if let Some(settings) = &settings {
        network::remove_all(settings.slot).await?;
    }
    files::remove_tree(&options.data_dir)?;
    if let Some(settings) = &settings {
        slots::release(settings.slot, &options.data_dir)?;
    }
    on_event(Event::Erased);
    Ok(())
}

/// Without settings only an unfinished or damaged cloud is erased: one that at least has our files.
fn refuse_foreign(options: &Options) -> Result<(), Error> {
    if options.data_dir.join("cloud.json").exists() {
        return Ok(());
    }
    super::settings::refuse_foreign(&options.data_dir)
}
