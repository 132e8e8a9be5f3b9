//! Boots real machines: needs root, and makes the base image when the cache has none.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod support;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use jewel_localcloud::{
    Layout,
    machine::{Access, MachineSpec, Machines, ensure_image},
    network::{
        Network,
        forward::{Forwards, PortRule, Protocol},
    },
};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Everything a test needs. Slots above 250 are never a user's cloud.
struct Ground {
    layout: Layout,
    network: Network,
    machines: Machines,
    _data: tempfile::TempDir,
}

impl Ground {
    async fn new(slot: u8) -> Self {
        let cache = support::cache();
        let image = ensure_image(&cache, &|_| {}).await.unwrap();
        let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let layout = Layout::new(data.path(), &cache, slot);
        let network = Network::open(layout.clone()).await.unwrap();
        let machines = Machines::open(layout.clone(), network.clone(), image).await.unwrap();
        Self { layout, network, machines, _data: data }
    }

    fn spec(&self, id: &str, host: u8) -> MachineSpec {
        MachineSpec {
            id: id.into(),
            hostname: "shop-test-api-1".into(),
            user: "ubuntu".into(),
            address: self.layout.private_address(host),
            user_data: Some("echo made by user data > /etc/first-boot".into()),
        }
    }

    /// Runs a command over SSH, from inside the private network, with the keys of `access` and nothing else.
    fn ssh(&self, access: &Access, to: Ipv4Addr, command: &str) -> (bool, String) {
        use std::os::unix::fs::PermissionsExt as _;
        let keys = tempfile::tempdir().unwrap();
        let path = |name: &str| keys.path().join(name);
        std::fs::write(path("key"), access.private_key.expose_secret()).unwrap();
        std::fs::set_permissions(path("key"), std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(path("key-cert.pub"), format!("{}\n", access.certificate)).unwrap();
        let known: Vec<String> =
            access.host_keys.iter().map(|k| format!("{to} {} {}\n", k.algorithm, k.public_key)).collect();
        std::fs::write(path("known"), known.concat()).unwrap();
        let output = Command::new("ip")
            .args(["netns", "exec", &self.layout.vpc_namespace(), "ssh", "-F", "none", "-i"])
            .arg(path("key"))
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", path("known").display()))
            .args(["-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"])
            .arg(format!("{}@{to}", access.user))
            .arg(command)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        (output.status.success(), text)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        Command::new("ip").args(["netns", "delete", &self.layout.vpc_namespace()]).status().unwrap();
    }
}

fn mounts_under(path: &Path) -> Vec<String> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let inside = |mount: &&str| Path::new(mount).starts_with(path);
    table.lines().filter_map(|line| line.split(' ').nth(4)).filter(inside).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_lives() {
    let ground = Ground::new(251).await;
    let spec = ground.spec("i-0a", 10);
    let address = spec.address;
    let machines = &ground.machines;

    machines.create(&spec).await.unwrap();
    machines.create(&spec).await.unwrap();
    assert!(!machines.is_running("i-0a").await, "made, not booted");

    let begin = Instant::now();
    machines.start("i-0a").await.unwrap();
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(10), "boot to SSH took {took:?}");
    assert!(machines.is_running("i-0a").await);
    machines.start("i-0a").await.unwrap();

    let access = machines.access("i-0a").await.unwrap();
    let ssh = |command: &str| ground.ssh(&access, address, command);
    let (ok, text) = ssh("hostname; id -un; sudo -n id -un");
    assert!(ok && text.contains("shop-test-api-1\nubuntu\nroot\n"), "{text}");

    let (ok, text) = ssh("sudo systemctl is-system-running --wait; cat /etc/first-boot");
    assert!(ok && text.contains("running\nmade by user data\n"), "{text}");

    // A unit as hardened as a release of the shop, and a socket of systemd's on a privileged port.
    let (ok, text) =
        ssh("sudo systemd-run --quiet --wait --pipe -p DynamicUser=yes -p ProtectSystem=strict -p ProtectHome=yes \
         -p PrivateTmp=yes -p PrivateDevices=yes -p NoNewPrivileges=yes -p ProtectKernelTunables=yes \
         -p ProtectKernelModules=yes -p ProtectControlGroups=yes -p RestrictNamespaces=yes -p LockPersonality=yes \
         -p MemoryDenyWriteExecute=yes -p SystemCallFilter=@system-service -p CapabilityBoundingSet= \
         -p StateDirectory=shop sh -c 'touch /var/lib/shop/x && echo hardened'");
    assert!(ok && text.contains("hardened"), "{text}");
    let (ok, text) = ssh(
        "printf '#!/bin/sh\\nhead -c 18 > /dev/null\\nprintf \"HTTP/1.0 200 OK\\\\r\\\\n\\\\r\\\\nfrom the machine\"\\n' \
           | sudo tee /usr/local/bin/answer > /dev/null && sudo chmod +x /usr/local/bin/answer && \
         printf '[Socket]\\nListenStream=80\\nAccept=yes\\n' | sudo tee /etc/systemd/system/web.socket > /dev/null && \
         printf '[Service]\\nDynamicUser=yes\\nExecStart=/usr/local/bin/answer\\nStandardInput=socket\\n' \
           | sudo tee /etc/systemd/system/web@.service > /dev/null && \
         sudo systemctl daemon-reload && sudo systemctl start web.socket",
    );
    assert!(ok, "{text}");
    let mut stream = ground.network.connect(SocketAddr::from((address, 80))).await.unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("from the machine"), "{answer}");

    // Another login's certificate does not open it as another user, and no host key but the pinned ones is believed.
    let other = Access { user: "root".into(), ..machines.access("i-0a").await.unwrap() };
    assert!(!ground.ssh(&other, address, "true").0, "the certificate names ubuntu only");

    // The host has no way into the private network.
    let greeting = async {
        let mut greeting = [0; 4];
        let mut stream = tokio::net::TcpStream::connect(SocketAddr::from((address, 22))).await.ok()?;
        stream.read_exact(&mut greeting).await.ok().map(|_| greeting)
    };
    let greeted = tokio::time::timeout(Duration::from_millis(700), greeting).await;
    assert!(!matches!(greeted, Ok(Some(_))), "the host must not reach a private address");

    machines.stop("i-0a").await.unwrap();
    machines.stop("i-0a").await.unwrap();
    assert!(!machines.is_running("i-0a").await);
    assert!(mounts_under(&ground.layout.instance_dir("i-0a")).is_empty());
    machines.start("i-0a").await.unwrap();
    let (ok, text) = ground.ssh(&machines.access("i-0a").await.unwrap(), address, "test -x /usr/local/bin/answer");
    assert!(ok, "what was written stays: {text}");

    comes_back(&ground, &machines.access("i-0a").await.unwrap()).await;

    machines.destroy("i-0a").await.unwrap();
    machines.destroy("i-0a").await.unwrap();
    assert!(!ground.layout.instance_dir("i-0a").exists());
    assert!(!PathBuf::from("/run/netns").join(ground.layout.namespace("i-0a")).exists());
}

/// A snapshot of the running machine `i-0a`, and another machine made from it.
async fn comes_back(ground: &Ground, access: &Access) {
    let machines = &ground.machines;
    let run = |command: &str| {
        let (ok, text) = ground.ssh(access, ground.layout.private_address(10), command);
        assert!(ok, "{command}: {text}");
        text
    };
    run("echo old | sudo tee /srv/file; sudo rm -f /etc/motd");
    // Something that writes all the time notices a pause at most.
    run("sudo systemd-run -q -u count sh -c 'while :; do date +%s%N > /srv/count; done'");
    machines.snapshot("i-0a", "s-1").await.unwrap();
    run("echo new | sudo tee /srv/file");
    machines.snapshot("i-0a", "s-1").await.unwrap();
    run("systemctl is-active count");
    assert!(machines.snapshot("i-none", "s-2").await.is_err());

    let spec = MachineSpec { user_data: None, hostname: "api-2".into(), ..ground.spec("i-0b", 11) };
    std::fs::create_dir_all(ground.layout.instance_dir("i-0b").join("upper/half-made")).unwrap();
    machines.create_from(&spec, "s-1").await.unwrap();
    machines.create_from(&spec, "s-1").await.unwrap();
    machines.start("i-0b").await.unwrap();
    let other = machines.access("i-0b").await.unwrap();
    let keys = |access: &Access| access.host_keys.iter().map(|key| key.public_key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&other), keys(access), "the host keys are on the disk");
    let command = "cat /srv/file; hostname; ls /etc/motd /half-made; ls /var/lib/cloud; cat /etc/machine-id";
    let (_, text) = ground.ssh(&other, spec.address, command);
    let lines: Vec<&str> = text.lines().collect();
    // What was deleted stays deleted, and what ran at the first boot does not run again.
    assert_eq!((lines[..2].to_vec(), lines.len()), (vec!["old", "api-2"], 5), "{text}");
    assert!(text.contains("'/etc/motd': No such file") && text.contains("'/half-made': No such file"), "{text}");
    assert!(!run("cat /etc/machine-id").contains(lines[2]));
    machines.destroy("i-0b").await.unwrap();
    let gone = MachineSpec { id: "i-0c".into(), ..spec };
    assert!(machines.create_from(&gone, "s-gone").await.unwrap_err().to_string().contains("snapshot is gone"));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_machines_do_not_share_anything_and_one_may_die_by_itself() {
    let ground = Ground::new(252).await;
    let machines = &ground.machines;
    for (id, host) in [("i-1", 11), ("i-2", 12)] {
        machines.create(&ground.spec(id, host)).await.unwrap();
    }
    let (one, two) = tokio::join!(machines.start("i-1"), machines.start("i-2"));
    one.unwrap();
    two.unwrap();
    let access = machines.access("i-1").await.unwrap();
    let other = machines.access("i-2").await.unwrap();
    assert_ne!(access.host_keys, other.host_keys);
    // Restarting everything in one machine must not end anything in the other.
    let (ok, text) = ground.ssh(&other, ground.layout.private_address(12), "sudo systemd-run -q -u mark sleep 1000");
    assert!(ok, "{text}");
    ground.ssh(&access, ground.layout.private_address(11), "sudo systemctl restart ssh dbus systemd-journald");
    let (ok, text) =
        ground.ssh(&other, ground.layout.private_address(12), "systemctl is-active mark ssh systemd-journald");
    assert!(ok, "{text}");

    ground.ssh(&access, ground.layout.private_address(11), "sudo systemctl poweroff");
    let deadline = Instant::now() + Duration::from_secs(20);
    while machines.is_running("i-1").await {
        assert!(Instant::now() < deadline, "a machine that powered itself off still counts as running");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(machines.is_running("i-2").await);
    machines.start("i-1").await.unwrap();
    for id in ["i-1", "i-2"] {
        machines.destroy(id).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_firewall_lets_in_what_it_is_told_and_cuts_what_it_forbids() {
    let ground = Ground::new(253).await;
    let machines = &ground.machines;
    machines.create(&ground.spec("i-f", 13)).await.unwrap();
    machines.start("i-f").await.unwrap();
    let target = Some(ground.layout.private_address(13));
    let public = ground.layout.public_address(10);
    let forwards = Forwards::new(ground.network.clone());
    let open = |cidr: &str| PortRule { from: 22, to: 22, protocol: Protocol::Tcp, cidrs: vec![cidr.into()] };
    let connect = || tokio::net::TcpStream::connect(SocketAddr::from((public, 22)));

    forwards.set(public, target, &[]).await.unwrap();
    assert!(connect().await.is_err(), "no rule, no listener");

    forwards.set(public, target, &[open("127.0.0.1/32")]).await.unwrap();
    let mut stream = connect().await.unwrap();
    let mut greeting = [0; 8];
    stream.read_exact(&mut greeting).await.unwrap();
    assert_eq!(&greeting, b"SSH-2.0-");

    forwards.set(public, target, &[open("203.0.113.0/24")]).await.unwrap();
    let rest = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut Vec::new())).await;
    assert!(rest.is_ok(), "a connection that is forbidden now is cut");
    let let_in = match connect().await {
        Ok(mut stream) => matches!(stream.read(&mut greeting).await, Ok(1..)),
        Err(_) => false,
    };
    assert!(!let_in, "not from here");

    forwards.set(public, None, &[open("0.0.0.0/0")]).await.unwrap();
    assert!(connect().await.is_err(), "no target, no listener");
    forwards.remove(public).await.unwrap();
    forwards.remove(public).await.unwrap();
    machines.destroy("i-f").await.unwrap();
}
