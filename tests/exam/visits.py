"""What is played in a house: a name, the class it is, and who does what beside ordinary life (`chores`).

All of it begins at once, and what is done at the same pace stays in step. Floods are bounded in count or
time.
"""

from dataclasses import dataclass
from functools import partial

from detector.records import Category
from tests.exam.chores import (
    ASK,
    DEVICES,
    GATEWAY,
    GET,
    LIFE,
    PUBLIC,
    SERVERS,
    Chore,
    copies,
    on_devices,
    one,
    several,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A scene in a house."""

    name: str
    category: Category
    chores: tuple[Chore, ...] = ()
    servers: tuple[Chore, ...] = SERVERS
    life: tuple[Chore, ...] = LIFE
    warm_up_secs: float = 7.0
    """Of ordinary life alone."""
    secs: float = 26.0
    """Of the visit; what still runs then is ended."""

    @property
    def commands(self) -> tuple[tuple[str, ...], ...]:
        return tuple(each.words for each in (*self.servers, *self.life, *self.chores))


def _visit(category: Category, secs: float, name: str, *chores: Chore) -> Visit:
    return Visit(name=f"house-{name}", category=category, chores=chores, secs=secs)


_GET_FROM = "curl -s -o /dev/null -m 3 --interface {far}.{last} http://"
_VPN = "--secret {work}/vpn.key --port 1194 --cipher AES-256-CBC"
_TELL = "socat -u FILE:{work}/names,readbytes"
_CHECK = "/usr/lib/nagios/plugins/check_tcp"
_SSH = "ssh -o BatchMode=yes -o ConnectTimeout=2 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
_SERVICES = (443, 443, 443, 443, 8883, 443, 5228, 80, 443, 8443, 993)
_RECONNECT = (
    *on_devices(range(10, 14), "curl -s -m 5 {far}.1{last}:8883 {far}.2{last}:443", 20, 2),
    *(
        one(place, "curl -s -Z --parallel-immediate -m 7 " + " ".join(urls), 20, 2)
        for place, urls in (
            (14, [f"{{far}}.{n + 40}:{port}" for n, port in enumerate(_SERVICES)]),
            (15, [f"{{far}}.{n + 50}:{port}" for n, port in enumerate(_SERVICES[3:])]),
        )
    ),
)
"""Devices that each look for two servers, and two telephones, for eleven and for eight."""

_benign = partial(_visit, Category.BENIGN, 26.0)
_recon = partial(_visit, Category.RECON, 26.0)
_dos = partial(_visit, Category.DOS, 18.0)
_ddos = partial(_visit, Category.DDOS, 18.0)

_QUIET = (
    _benign("idle"),
    _benign("fping", one(14, "fping -q -c 8 -p 3000 " + " ".join(f"{{net}}.{n}" for n in DEVICES))),
    _benign(
        "nagios",
        *several(
            15,
            (
                f"{_CHECK} -H {{net}}.{device} -p {port} -t 2"
                for device in (19, 18, 17, 10, 12)
                for port in (22, 80, 1883)
            ),
            6,
            5,
        ),
    ),
    _benign("traceroute", one(15, "traceroute -n -w 1 {far}.40", 6, 3)),
    _benign("traceroute-dark", one(15, "traceroute -n -w 1 -m 12 203.0.113.9", 6, 2)),
    _benign("mtr", one(15, "mtr -n -r -c 20 -i 0.5 {far}.33", 2, 2)),
    _benign("page-many-hosts", *copies(15, range(2, 32), f"{GET}{{far}}.{{last}}/{{last}}.html", 4, 6)),
    _benign("firmware-all", *on_devices(DEVICES, "curl -s -o /dev/null http://{far}.50/image.bin")),
    _benign(
        "power-returns",
        *on_devices(DEVICES, f"{ASK}pool.ntp.example", 4, 0.3),
        *on_devices(DEVICES, "mosquitto_pub -h {hub} -i d{last} -t a/{last} -m up -q 1", 4, 0.4),
        *on_devices(DEVICES, f"{GET}{{far}}.20/api", 4, 0.5),
    ),
    _benign(
        "broker-closed",
        *on_devices(range(10, 18), "mosquitto_pub -h {net}.18 -i d{last} -t a/{last} -m up -q 1", 25, 1),
    ),
    _benign("broker-gone", *on_devices(range(10, 18), f"{GET}{{far}}.77:1883/", 12, 1)),
    _benign("uplink-lost", one(GATEWAY, "ip link set public down"), *_RECONNECT),
    _benign("uplink-silent", one(GATEWAY, "ip route add blackhole {far}.0/25"), *_RECONNECT),
    _benign(
        "snmpwalk-2",
        *copies(15, (17, 19), "snmpwalk -v2c -c public -t 1 {net}.{last} .1.3.6.1.2.1", 4, 1),
    ),
    _benign(
        "rsync-3",
        one(19, "rsync --daemon --no-detach --config={work}/rsyncd.conf --port 8730"),
        *(
            one(device, f"rsync -a --port 8730 {{work}}/site/ rsync://{{hub}}:8730/kept/{device}", 3, 6, 1)
            for device in (10, 11, 12)
        ),
    ),
    _benign("ssh-tour", *copies(15, DEVICES, f"{_SSH} a@{{net}}.{{last}} true", 3, 10)),
    _benign("rest-poll", *copies(15, DEVICES, f"{GET}{{net}}.{{last}}/api", 20, 1)),
    _benign("names-20", *copies(15, range(20), f"{ASK}n{{last}}.example", 15, 1)),
    _benign(
        "vpn",
        one(PUBLIC, f"openvpn --dev tun7 --ifconfig 10.99.0.1 10.99.0.2 {_VPN}"),
        one(15, f"openvpn --dev tun7 --ifconfig 10.99.0.2 10.99.0.1 --remote {{far}}.5 --float {_VPN}"),
        one(15, "curl -s -o /dev/null -m 10 http://10.99.0.1/image.bin", 6, 2, 4),
    ),
    _benign("iperf-8", one(15, "iperf3 -c {hub} -P 8 -t 12 -b 4M")),
    _benign("iperf-down", one(15, "iperf3 -c {far}.1 -P 4 -t 12 -R -b 3M")),
    _benign("call", one(15, "iperf3 -c {far}.1 -u -b 69k -l 172 -t 20 --bidir")),
    _benign("visitors-30", *copies(PUBLIC, range(20, 50), f"{_GET_FROM}{{hub}}/{{last}}.html", 9, 3)),
    _benign("visitors-page", *copies(PUBLIC, range(20, 40), f"{_GET_FROM}{{hub}}/[0-7].html -Z", 5, 5)),
    _benign("coap", one(15, "coap-client-notls -B 1 coap://{hub}/time", 30, 0.5)),
    _benign("updates-30", one(15, "curl -s -o /dev/null -Z http://{far}.11/[0-29].html", 3, 8)),
    _benign(
        "mdns-ssdp",
        *several(
            15,
            (
                f"{_TELL}=100 UDP4-DATAGRAM:239.255.255.250:1900,ip-multicast-ttl=2",
                f"{_TELL}=60 UDP4-DATAGRAM:224.0.0.251:5353,sourceport=5353,reuseaddr",
            ),
            30,
            0.7,
        ),
    ),
    _benign(
        "aria",
        one(
            15,
            "aria2c -q -x 12 -s 12 -k 1M --allow-overwrite=true -d {work}/t http://{far}.12/image.bin",
            4,
            4,
        ),
    ),
    _benign(
        "messages-far-40",
        *copies(
            16,
            range(40),
            "mosquitto_pub -h {far}.9 -i c{last} -t c/{last} -m x --repeat 20 --repeat-delay 1.1",
        ),
    ),
    _benign("portal-check", *on_devices(DEVICES, f"{GET}{{far}}.44/api", 12, 2)),
)

_SCANS = (
    _recon("nmap-lan", one(15, "nmap -n -Pn {hub}")),
    _recon("nmap-wan", one(PUBLIC, "nmap -n -Pn -S {far}.33 -e eth0 {hub}")),
    _recon("nmap-connect-lan", one(15, "nmap -n -Pn -sT -F {hub}", 2, 4)),
    _recon("nmap-all", one(15, "nmap -n -Pn -A -F --max-retries 1 {hub}")),
    _recon("nmap-udp", one(15, "nmap -n -Pn -sU --top-ports 40 --max-retries 1 {hub}")),
    _recon("nmap-t2", one(15, "nmap -n -Pn -T2 --top-ports 60 {hub}")),
    _recon("nmap-system", one(15, "nmap -n -Pn -O {net}.18")),
    _recon("nmap-hosts-wan", one(PUBLIC, "nmap -n -sn {net}.0/24 --max-retries 1")),
    _recon(
        "masscan-wan",
        one(
            PUBLIC,
            "masscan {net}.0/24 -p22,23,80,1883,8080 --rate 200 --wait 2 -i eth0"
            " --source-ip {far}.37 --router-mac 00:00:00:00:00:00",
        ),
    ),
    _recon("nc-ports", one(15, "nc -n -z -w 1 {hub} 1-200")),
    _recon("ssh-sweep-wan", one(PUBLIC, "nmap -n -Pn -p 22 --open {net}.0/24 --max-retries 1")),
    _recon(
        "telnet-bot",
        one(
            13,
            "nmap -n -Pn -sS -p 23,2323 --min-rate 40 --max-rate 60 --max-retries 0 203.0.112.0/22",
        ),
    ),
    _recon("hping-scan", one(15, "hping3 -S --scan 1-300 {hub}")),
    _recon("nmap-fin", one(15, "nmap -n -Pn -sF --top-ports 200 {hub}")),
    _recon("nmap-doors", one(15, "nmap -n -p 22,80,1883,5683,8080 {net}.0/24 --max-retries 1")),
    _recon("nmap-900ms-wan", one(PUBLIC, "nmap -n -Pn --scan-delay 900ms --top-ports 40 {hub}")),
    _recon("nmap-versions-wan", one(PUBLIC, "nmap -n -Pn -sV -sC -p 20-90,1880-1890 {hub}")),
    _recon("scanssh-wan", one(PUBLIC, "scanssh -n 22,80,1883 {net}.0/26")),
)

_FLOODS = (
    _dos("hping-syn-lan", one(15, "hping3 -q -S -p 80 -i u1500 -c 9000 {hub}")),
    _dos("hping-syn-wan", one(PUBLIC, "hping3 -q -S -p 80 -i u1000 -c 12000 {hub}")),
    _dos("hping-udp-wan", one(PUBLIC, "hping3 -q --udp -p 5683 -d 200 -i u700 -c 18000 {hub}")),
    _dos("hping-udp-ports-lan", one(15, "hping3 -q --udp -p ++1 -d 64 -i u900 -c 12000 {net}.12")),
    _dos("hping-icmp-wan", one(PUBLIC, "hping3 -q --icmp -i u1200 -c 9000 {net}.11")),
    _dos("hping-ack-lan", one(15, "hping3 -q -A -p 1883 -i u1000 -c 12000 {hub}")),
    _dos("slow-headers-lan", one(15, "slowhttptest -H -c 300 -r 60 -i 5 -l 22 -u http://{hub}/")),
    _dos("slow-body-wan", one(PUBLIC, "slowhttptest -B -c 300 -r 60 -i 5 -l 22 -u http://{hub}/")),
    _dos(
        "slow-read-wan",
        one(
            PUBLIC,
            "slowhttptest -X -c 250 -r 60 -l 22 -k 3 -n 5 -w 10 -y 20 -z 8 -u http://{hub}/image.bin",
        ),
    ),
    _dos("wrk-wan", one(PUBLIC, "wrk -c 60 -d 12 -t 1 http://{hub}/api")),
    _dos("hey-new-lan", one(15, "hey -z 12s -c 30 -disable-keepalive http://{hub}/3.html")),
    _dos("ab-wan", one(PUBLIC, "ab -q -n 6000 -c 40 http://{hub}/5.html")),
    _dos("messages-lan", *copies(15, range(16), "mosquitto_pub -h {hub} -t f -m x", 120)),
    _dos("bot-out-syn", one(13, "hping3 -q -S -p 443 -i u1000 -c 12000 {far}.55")),
    _dos("bot-out-udp", one(13, "hping3 -q --udp -p 53 -d 900 -i u1000 -c 12000 {far}.55")),
    _dos("names-3000", one(15, "dnsperf -s {gateway} -d {work}/names -c 20 -l 12 -Q 3000")),
    _dos("hping-pieces-lan", one(15, "hping3 -q --udp -p 80 -d 1400 -f -i u5000 -c 2000 {hub}")),
)

_BOTS = (10, 11, 12, 13, 14, 16, 17)
_CROWD = range(10, 40)
_CROWDS = (
    _ddos("bots-out-syn", *on_devices(_BOTS, "hping3 -q -S -p 443 -i u4000 -c 3000 {far}.55")),
    _ddos("bots-out-udp", *on_devices(_BOTS, "hping3 -q --udp -p 80 -d 500 -i u4000 -c 3000 {far}.55")),
    _ddos("bots-http-lan", *on_devices(_BOTS, "ab -q -n 3000 -c 8 -s 5 http://{hub}/api")),
    _ddos("random-syn", one(PUBLIC, "hping3 -q -S -p 80 --rand-source -i u1000 -c 12000 {hub}")),
    _ddos("random-udp", one(PUBLIC, "hping3 -q --udp -p 1900 -d 100 --rand-source -i u1000 -c 12000 {hub}")),
    *(
        _ddos(name, *copies(PUBLIC, lasts, line, times, 0.02))
        for name, lasts, times, line in (
            ("wan-syn-30", _CROWD, 1, "hping3 -q -S -p 80 -a {far}.{last} -i u20000 -c 600 {hub}"),
            ("wan-icmp-30", _CROWD, 1, "hping3 -q --icmp -a {far}.{last} -i u20000 -c 600 {net}.12"),
            ("wan-http-30", _CROWD, 250, f"{_GET_FROM}{{hub}}/api"),
            ("wan-messages-30", _CROWD, 250, "mosquitto_pub -A {far}.{last} -h {hub} -t f -m x"),
            (
                "reflected-names",
                range(5, 45),
                1,
                "hping3 -q --udp -s 53 -k -p 4444 -d 1200 -a {far}.{last} -i u30000 -c 400 {net}.14",
            ),
        )
    ),
)

VISITS: tuple[Visit, ...] = (*_QUIET, *_SCANS, *_FLOODS, *_CROWDS)
