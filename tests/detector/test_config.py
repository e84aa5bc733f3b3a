"""The configuration as operators meet it: a file, flags, and one line that says what is wrong."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detector.config import (
    CaptureConfig,
    Config,
    Flag,
    IncidentConfig,
    MeterConfig,
    MetricsConfig,
    OutputConfig,
    ThresholdConfig,
    WindowConfig,
    check_bundle,
    check_reload,
    load,
    override,
)
from detector.config.sections import SECTIONS
from detector.errors import ConfigError


def refusal(path: Path, content: str | bytes | None = None) -> str:
    """The message with which a file is refused, without the file's name."""
    if content is not None:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(ConfigError) as caught:
        load(path)
    message = str(caught.value)
    assert message.isprintable()
    assert message.startswith((f"{path}: ", f"{str(path)!r}: "))
    return message.split(": ", 1)[1]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "iotids.toml"


# Reading a file.


def test_a_file_sets_what_it_names_and_leaves_the_rest(file: Path) -> None:
    file.write_text('[capture]\ninterfaces = ["eth0"]\n[incidents]\nclose_after_secs = 90\n')
    assert load(file) == Config(
        capture=CaptureConfig(interfaces=["eth0"]), incidents=IncidentConfig(close_after_secs=90.0)
    )


def test_an_empty_file_is_all_defaults(file: Path) -> None:
    file.write_text("")
    assert load(file) == Config()


def test_a_byte_order_mark_is_no_matter(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf[metrics]\nport = 1\n")
    assert load(file).metrics.port == 1


def test_paths_are_relative_to_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('bundle = "model"\n[output]\nalerts = "/var/log/alerts.jsonl"\n')
    monkeypatch.chdir(file.parent)
    config = load(Path(file.name))
    assert config.bundle == str(file.parent / "model")
    assert config.output.alerts == "/var/log/alerts.jsonl"


def test_standard_output_is_no_relative_path(file: Path) -> None:
    file.write_text('[output]\nalerts = "-"\n')
    assert load(file).output.alerts == "-"


def test_every_problem_is_named_at_once(file: Path) -> None:
    message = refusal(
        file,
        '[capture]\ninterfaces = ["eth0", "eth0"]\nsnaplen = 96\n'
        '[metrics]\naddress = "localhost"\nport = 99999\ntls_key = "key.pem"\n'
        "[incidents]\nopen_after = 9\nmax_open = 0\n",
    )
    for problem in (
        "[capture] interfaces: got 'eth0' more than once",
        "[capture] snaplen: got an unknown key",
        "[metrics] address: got 'localhost'",
        "[metrics] port: got 99999, allowed is a whole number from 0 to 65535",
        "[metrics] tls_key: got no tls_cert",
        "[incidents] open_after: got 9, allowed is at most open_within = 5",
        "[incidents] max_open: got 0",
    ):
        assert message.count(problem) == 1
    assert message.count("; ") == 6


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        ("[capture\n", 1, 9),
        ("bundle = '''\n", 2, 1),
        ("port = \n", 1, 8),
        ("\n\nbundle = 'a'\nbundle = 'b'", 4, 13),
        ("bundle = 'a'\n[meter]\nx = 2020-02-31\n", 3, 5),
        ('a = "\x1b[31m"', 1, 6),
    ],
)
def test_a_syntax_error_says_where(file: Path, content: str, line: int, column: int) -> None:
    message = refusal(file, content)
    assert message.startswith("is no TOML: ")
    assert f"(at line {line}, column {column})" in message


@pytest.mark.parametrize("content", ["a = " + "[" * 50_000, "a = " + "1" * 5000])
def test_what_the_parser_gives_up_on_is_no_toml(file: Path, content: str) -> None:
    assert refusal(file, content).startswith("is no TOML: a number has too many digits or brackets")


def test_a_number_too_large_to_print_is_refused(file: Path) -> None:
    message = refusal(file, "[metrics]\nport = 0x" + "f" * 9000)
    assert message.startswith("[metrics] port: got a value too large to show, allowed is a whole number")


def test_a_missing_file(tmp_path: Path) -> None:
    assert "No such file or directory" in refusal(tmp_path / "absent.toml")


def test_a_folder(tmp_path: Path) -> None:
    assert "Is a directory" in refusal(tmp_path)


def test_a_name_that_is_none() -> None:
    assert "is no file name" in refusal(Path("/tmp/a\0b"))  # noqa: S108 - nothing is opened


def test_a_name_with_control_characters() -> None:
    assert "No such file" in refusal(Path("/tmp/\x1b[2J\n"))  # noqa: S108 - it is not there


def test_a_file_that_may_not_be_read(file: Path) -> None:
    file.write_text("")
    file.chmod(0)
    was_root = os.geteuid() == 0
    try:
        if was_root:
            os.seteuid(65534)
        assert "Permission denied" in refusal(file)
    finally:
        if was_root:
            os.seteuid(0)


def test_a_file_that_breaks_while_it_is_read() -> None:
    assert "Input/output error" in refusal(Path("/proc/self/mem"))


def test_a_file_that_is_not_utf_8(file: Path) -> None:
    assert refusal(file, b"# fine\n# caf\xe9\n").startswith("is not UTF-8 (byte 0xe9 at line 2)")


@pytest.mark.parametrize("extra", [0, 1])
def test_a_file_of_more_than_a_mebibyte_is_no_configuration(file: Path, extra: int) -> None:
    file.write_bytes(b"#" * ((1 << 20) + extra))
    if extra:
        assert "over 1048576 bytes" in refusal(file)
    else:
        assert load(file) == Config()


def test_an_endless_file_ends() -> None:
    assert "over 1048576 bytes" in refusal(Path("/dev/zero"))


FRAGMENTS = st.sampled_from(
    [
        *(f"[{name}]" for name in SECTIONS),
        *(key for section in SECTIONS.values() for key in section.model_fields),
        *(
            "=",
            "=",
            "\n",
            "\n",
            "[",
            "]",
            "{",
            "}",
            ",",
            ".",
            "'",
            '"',
            "#",
            "\\u001b",
            "nan",
            "-",
            "1",
            "0.5",
            "true",
        ),
        *("'eth0'", "2020-01-01", "'10.0.0.0/8 DoS'", "\x00", "\u202e", "é", "[['a']]"),
    ]
)


@given(
    st.one_of(
        st.binary(max_size=64), st.lists(FRAGMENTS, max_size=24).map(lambda parts: " ".join(parts).encode())
    )
)
def test_any_file_is_a_configuration_or_one_clear_line(content: bytes) -> None:
    descriptor = os.memfd_create("config")
    try:
        os.write(descriptor, content)
        load(Path(f"/proc/self/fd/{descriptor}"))
    except ConfigError as error:
        assert str(error).isprintable()  # noqa: PT017 - most files are refused, some are not
    finally:
        os.close(descriptor)


# Flags over the file over the defaults.


def test_flags_win_over_the_file(file: Path) -> None:
    file.write_text('[capture]\ninterfaces = ["eth0"]\npromiscuous = false\n[metrics]\nport = 1\n')
    config = override(
        load(file),
        Flag("--iface", "capture.interfaces", ["wlan0", "eth1"]),
        Flag("--bundle", "bundle", "other"),
    )
    assert config.capture == CaptureConfig(interfaces=["wlan0", "eth1"], promiscuous=False)
    assert config.metrics.port == 1
    assert config.bundle == "other"


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    config = Config(meter=MeterConfig(max_active_flows=99))
    assert override(config, Flag("--max-flows", "meter.max_active_flows", None)) == config


def test_a_false_flag_was_given() -> None:
    assert not override(Config(), Flag("--no-metrics", "metrics.enabled", value=False)).metrics.enabled


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        (Flag("--iface", "capture.interfaces", ["a", "a"]), "--iface: got 'a' more than once"),
        (Flag("--iface", "capture.interfaces", ["a b"]), "--iface (entry 1): got 'a b', allowed are 1 to 15"),
        (Flag("--port", "metrics.port", "http"), "--port: got the text 'http', allowed is a whole number"),
        (Flag("--need", "incidents.open_after", 7), "--need: got 7, allowed is at most open_within = 5"),
        (Flag("--alerts", "output.alerts", ""), "--alerts: got '', allowed is any text but a blank one"),
    ],
)
def test_a_bad_flag_is_named(flag: Flag, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        override(Config(), flag)
    assert str(caught.value).startswith(f"command line: {message}")


# The bundle's timeouts.


def test_a_configuration_without_timeouts_goes_by_the_bundle() -> None:
    check_bundle(Config(), idle_timeout_ms=1000, active_timeout_ms=1500)


def test_a_configuration_may_repeat_the_bundle() -> None:
    config = Config(meter=MeterConfig(idle_timeout_ms=1000, active_timeout_ms=1500))
    check_bundle(config, idle_timeout_ms=1000, active_timeout_ms=1500)


def test_other_timeouts_than_the_bundle_are_refused() -> None:
    config = Config(meter=MeterConfig(idle_timeout_ms=2000, active_timeout_ms=3000))
    with pytest.raises(
        ConfigError, match=r"idle_timeout_ms: got 2000, .*'s 1000, .*active.*: got 3000, .*'s 1500"
    ):
        check_bundle(config, idle_timeout_ms=1000, active_timeout_ms=1500)


@pytest.mark.parametrize(("close_after_secs", "fine"), [(2.0, False), (2.1, True)])
def test_incidents_outlive_the_slices_of_a_flow(*, close_after_secs: float, fine: bool) -> None:
    config = Config(incidents=IncidentConfig(close_after_secs=close_after_secs))
    if fine:
        check_bundle(config, idle_timeout_ms=1000, active_timeout_ms=2000)
    else:
        with pytest.raises(ConfigError, match=r"close_after_secs: got 2\.0, allowed is more than 2\.0"):
            check_bundle(config, idle_timeout_ms=1000, active_timeout_ms=2000)


@pytest.mark.parametrize(
    ("section", "change", "fits"),
    [
        ("thresholds", ThresholdConfig(recon=0.9), True),
        ("incidents", IncidentConfig(open_after=1), True),
        ("output", OutputConfig(log_level="debug"), True),
        ("output", OutputConfig(alerts="alerts.json"), False),
        ("capture", CaptureConfig(interfaces=("eth1",)), False),
        ("meter", MeterConfig(vlan_in_key=False), False),
        ("window", WindowConfig(max_hosts=16), False),
        ("metrics", MetricsConfig(port=1), False),
    ],
)
def test_what_shapes_open_state_cannot_change_while_running(section: str, change: object, fits: bool) -> None:  # noqa: FBT001
    wanted = Config().model_copy(update={section: change})
    if fits:
        check_reload(Config(), wanted)
    else:
        with pytest.raises(ConfigError, match=rf"configuration: \[{section}\] \w+ changed"):
            check_reload(Config(), wanted)
