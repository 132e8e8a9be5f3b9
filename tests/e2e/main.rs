//! The whole shop on the local cloud: the journeys that the README promises, one after the other, and beside them those
//! that need a cloud of their own.
//!
//! Its own `main` (libtest-mimic) because the cloud must end with the run, whatever failed.

mod beyond;
mod disasters;
mod edge;
mod hindrances;
mod http;
mod journey;
mod mysql;
mod operate;
mod operators;
mod pages;
mod recovery;
mod releases;
mod schema;
mod several;
mod site;
mod teardown;
mod till;
mod wire;

use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use jewel_tests::Cloud;
use libtest_mimic::{Arguments, Failed, Trial};

/// Shared by all: one cloud, one shop on it.
#[derive(Debug)]
pub struct Shop {
    /// Where it runs.
    pub cloud: Cloud,
    /// Its address.
    pub url: String,
}

type Test = fn(&Shop);

/// In this order: the last ones take the shop down.
const TESTS: &[(&str, Test)] = &[
    ("the_page_and_its_files_come_through_the_cdn", journey::page),
    ("the_catalogue_comes_from_the_database", journey::catalogue),
    ("a_browser_shows_the_catalogue", journey::browser),
    ("the_api_describes_itself", journey::openapi),
    ("the_origin_refuses_who_does_not_come_through_the_cdn", journey::origin_is_closed),
    ("the_gateway_refuses_who_comes_past_the_cdn", edge::gateway_is_closed),
    ("a_new_proof_of_the_front_door_is_taken_up", edge::origin_secret_changes),
    ("the_catalogue_is_kept_apart_by_its_query", edge::catalogue_is_kept_apart),
    ("a_shop_closed_for_maintenance", edge::closed_for_maintenance),
    ("releases_of_the_site_are_put_back", site::releases_of_the_site),
    ("an_admin_signs_in_and_creates_a_product", journey::admin_creates_a_product),
    ("a_second_up_changes_nothing", journey::second_up),
    ("plan_says_no_changes", journey::plan_is_empty),
    ("a_second_provision_writes_nothing", journey::second_provision),
    ("a_saved_plan_is_refused_when_stale", journey::stale_plan),
    ("a_shop_over_budget_is_refused", journey::over_budget),
    ("the_schema_is_up_to_date", journey::migrations),
    ("releases_are_listed_and_gone_back_to", operate::releases_and_rollback),
    ("the_log_is_shown_and_followed", operate::logs),
    ("a_command_on_the_instance", operate::ssh),
    ("a_shell_on_the_instance", operate::shell),
    ("a_tunnel_to_the_database", operate::tunnel),
    ("a_door_that_a_killed_command_left_open_is_closed", operate::door_left_open),
    ("releases_that_run_and_are_no_good", releases::that_run),
    ("releases_that_do_not_fit_the_machine", releases::that_do_not_fit),
    ("releases_that_nobody_signed", releases::that_nobody_signed),
    ("an_upload_that_is_cut_goes_on", releases::cut_in_transit),
    ("deployments_cut_anywhere", releases::cut_anywhere),
    ("the_service_is_confined", releases::exposure),
    ("a_later_release_migrates_the_schema", |shop| schema::of_a_later_release(&shop.cloud)),
    ("a_release_is_not_put_back_on_a_schema_that_nobody_knows", operate::unknown_schema),
    ("secrets_are_in_no_output", journey::no_secrets),
    ("a_bad_release_leaves_the_old_one_serving", journey::bad_release),
    ("customers_pay_with_keys_that_nobody_sees", till::payments),
    ("port_22_is_closed_after_every_command", journey::ssh_is_closed),
    ("every_run_leaves_a_record", operators::runs),
    ("the_lock_is_shown_and_released", operators::lock),
    ("a_lock_of_this_machine_is_left_to_who_works", operators::lock_of_this_machine),
    ("a_missing_permission_is_named", operators::missing_permission),
    ("credentials_that_end_are_told_before_the_first_write", operators::credentials_that_end),
    ("a_firewall_is_shown_whole", operators::firewall_change),
    ("a_foreign_resource_is_taken_over_only_when_told", operators::foreign_resource),
    ("the_aws_cli_works", wire::aws_cli),
    ("boto3_gets_aws_s_errors", wire::boto3_errors),
    ("one_mail_contact_serves_two_shops", beyond::one_contact_for_two_shops),
    ("a_database_of_the_operators_own_carries_a_shop", beyond::a_database_of_the_operators_own),
    ("ctrl_c_in_the_middle_of_up", hindrances::ctrl_c),
    ("the_daemon_killed_in_the_middle_of_up", hindrances::daemon_killed),
    ("two_ups_at_once", recovery::two_ups_at_once),
    ("everything_killed_comes_back_with_its_data", recovery::kill_everything),
    ("up_killed_at_random_moments_converges", recovery::kill_up),
    ("every_disaster_is_rehearsed_and_every_promise_kept", disasters::rehearsed),
    ("snapshots_are_taken_and_thinned_out", disasters::snapshots),
    ("a_restore_is_undone", disasters::undone),
    ("a_restore_is_given_up", disasters::given_up),
    ("a_restore_killed_after_each_step_goes_on", disasters::killed_at_each_step),
    ("bad_input_leaves_the_shop_as_it_is", disasters::bad_input),
    ("every_page_is_run_as_it_stands_there", pages::run_as_written),
    ("what_the_disasters_left_is_taken_down", disasters::taken_down),
    ("destroy_keeps_the_data_and_says_where", teardown::keeps_data),
    ("destroy_with_data_leaves_nothing", teardown::deletes_data),
];

/// Each on a cloud of its own, beside the others: a process of its own runs them, one after the other.
const ALONE: &[(&str, fn())] = &[
    ("a_taken_port_is_named", hindrances::port_taken),
    ("who_is_not_root_is_told", hindrances::not_root),
    ("a_missing_database_server_is_named", hindrances::no_database_server),
    ("a_full_disk_leaves_nothing_half_made", hindrances::full_disk),
    ("a_shop_with_a_domain_of_its_own", edge::own_domain),
    ("a_shop_on_several_machines", several::machines),
    ("the_free_plan_is_tried_and_not_insisted_on", edge::free_plan),
    ("the_shop_runs_on_mysql", mysql::shop_on_mysql),
];

/// Tells a process that it is the one for those.
const LANE: &str = "JEWEL_E2E_ALONE";

fn main() -> ExitCode {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let alone = ALONE.iter().map(|(name, test)| trial(name, *test));
    if std::env::var_os(LANE).is_some() {
        return libtest_mimic::run(&arguments, alone.collect()).exit_code();
    }
    if arguments.list {
        let all = TESTS.iter().map(|(name, _)| trial(name, || ()));
        return libtest_mimic::run(&arguments, all.chain(alone).collect()).exit_code();
    }
    let beside = Command::new(std::env::current_exe().expect("this program"))
        .args(std::env::args_os().skip(1))
        .env(LANE, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this program again");
    // Read while it runs: it must not wait for us.
    let beside = std::thread::spawn(|| beside.wait_with_output().expect("its output"));
    let cloud = Cloud::new();
    cloud.run(&["init", "--yes"]).expect(0);
    let answer = cloud.run(&["up", "--yes", "--json"]).expect(0);
    let url = answer.json()["url"].as_str().expect("up ends with the shop's address").to_owned();
    let shop = Arc::new(Shop { cloud, url });
    let trials = TESTS.iter().map(|(name, test)| {
        let (shop, test) = (Arc::clone(&shop), *test);
        trial(name, move || test(&shop))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(shop);
    let beside = beside.join().expect("a process that ends");
    print!("{}", String::from_utf8_lossy(&beside.stdout));
    eprint!("{}", String::from_utf8_lossy(&beside.stderr));
    if beside.status.success() { conclusion.exit_code() } else { ExitCode::from(101) }
}

fn trial(name: &'static str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(test)).map_err(|cause| {
            let text = cause.downcast_ref::<String>().cloned();
            Failed::from(text.or_else(|| cause.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default())
        })
    })
}
