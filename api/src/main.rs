//! `jewel-api`: reads the command line and the configuration, and hands over to the library.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's terminal")]

use std::{io::Write, process::ExitCode};

use clap::{Parser, Subcommand};
use jewel_api::{App, Config, build, check::check, openapi, server, telemetry};

// Answers are many small allocations on several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The shop's API server. Configured by JEWEL_* environment variables.
#[derive(Debug, Parser)]
#[command(name = "jewel-api", version = build::version(), after_help = VARIABLES)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Clone, Copy, Default, Subcommand)]
enum Command {
    /// Answer requests until SIGTERM (the default)
    #[default]
    Serve,
    /// Say whether the configuration is complete, the database reachable and its schema new enough
    Check,
    /// Print the OpenAPI document
    Openapi,
}

const VARIABLES: &str = "\
Environment:
  JEWEL_LISTEN             address and port (127.0.0.1:8080); a socket passed by systemd wins
  JEWEL_DATABASE_HOST      required
  JEWEL_DATABASE_PORT      (3306)
  JEWEL_DATABASE_NAME      required
  JEWEL_DATABASE_USER      required
  JEWEL_DATABASE_PASSWORD  required
  JEWEL_DATABASE_TLS       required or disabled (required)
  JEWEL_ORIGIN_SECRETS     accepted values of the header x-origin-verify, separated by commas; required
  JEWEL_ORIGIN_CHECK       off accepts requests from anywhere (on)
  JEWEL_TOKEN_ISSUER       the user pool's issuer; required
  JEWEL_TOKEN_CLIENT_ID    the app client; required
  JEWEL_JWKS_URL           the issuer's keys (<issuer>/.well-known/jwks.json)
  JEWEL_PAYMENT_METHODS    of card, bank_transfer, cash_on_delivery, separated by commas (card with a key of Stripe)
  JEWEL_STRIPE_SECRET_KEY  required for card
  JEWEL_STRIPE_WEBHOOK_SECRETS  what its messages are signed with, separated by commas; required for card
  JEWEL_STRIPE_URL         (https://api.stripe.com)
  JEWEL_BANK_DETAILS       where to transfer money to, for customers; required for bank_transfer
  JEWEL_JOURNAL            s3://bucket/prefix, where acknowledged changes go, or off; required
  JEWEL_MEDIA_BUCKET       the bucket of pictures and documents
  JEWEL_MEDIA_BASE_URL     what pictures' addresses start with (/media)
  JEWEL_CART_SECRETS       what carts' and orders' tokens are signed with, separated by commas: the first signs, all
                           are accepted; at least 32 characters each (derived from the database's password)
  JEWEL_TAX_NAME           the tax that prices include (GST)
  JEWEL_TAX_PERCENT        its rate, with at most two decimals (9)
  JEWEL_SHIPPING_STANDARD  what standard shipping costs, in minor units, and from which sum on it is free (800:20000)
  JEWEL_SHIPPING_EXPRESS   the same of express shipping (2500)
  JEWEL_RELEASE            the release's id, shown by /version
  JEWEL_RATE_LIMIT         requests a second that one visitor or customer may make, or off (20)
  JEWEL_METRICS_NAMESPACE  where in CloudWatch figures go; nowhere when unset
  JEWEL_LOG                what to log, for example info or jewel_api=debug (info)
  AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
                           required for the journal, the media bucket and figures
  AWS_ENDPOINT_URL         another address than AWS's own

Exit codes: 0 done, 1 failed, 2 usage or configuration";

/// The configuration is wrong.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let command = Arguments::parse().command.unwrap_or_default();
    if matches!(command, Command::Openapi) {
        // A reader that goes away early is no failure.
        let _ = std::io::stdout().write_all(openapi::document().as_bytes());
        return ExitCode::SUCCESS;
    }
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(error) => {
            eprintln!("error: the configuration is not usable\n{error}");
            return ExitCode::from(USAGE);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("could not start the runtime: {error}")),
    };
    match command {
        Command::Serve | Command::Openapi => serve(&runtime, &config),
        Command::Check => run_check(&runtime, &config),
    }
}

fn serve(runtime: &tokio::runtime::Runtime, config: &Config) -> ExitCode {
    telemetry::init(&config.log);
    let result = runtime.block_on(async {
        let listener = server::listener(config).map_err(|error| format!("could not listen: {error}"))?;
        server::serve(listener, App::new(config)).await.map_err(|error| format!("could not serve: {error}"))
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn run_check(runtime: &tokio::runtime::Runtime, config: &Config) -> ExitCode {
    println!("ok      configuration: complete");
    let findings = runtime.block_on(check(config));
    for finding in &findings {
        println!("{finding}");
    }
    if findings.iter().all(|finding| finding.result.is_ok()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn fail(message: &str) -> ExitCode {
    eprintln!("error: {message}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_variable_is_in_the_help() {
        for source in [include_str!("config.rs"), include_str!("config/payments.rs"), include_str!("config/terms.rs")] {
            let code = source.split("#[cfg(test)]").next().unwrap();
            for part in code.split("\"JEWEL_").skip(1) {
                let name = format!("JEWEL_{}", part.split('"').next().unwrap());
                assert!(VARIABLES.contains(&format!("  {name} ")), "{name} is missing");
            }
        }
    }
}
