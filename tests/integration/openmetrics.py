"""Reads OpenMetrics strictly, and has Prometheus's own parsers read it where they are installed.

  openmetrics.py FILE    prints TAP: whether the text keeps to the format

The grammar is that of OpenMetrics 1.0, section "ABNF", as far as the agent needs it."""
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[n"\\])*"'
SAMPLE = re.compile(rf"({NAME})(\{{{LABEL}(?:,{LABEL})*\}})? (-?[0-9]+(?:\.[0-9]+)?(?:e-[0-9]+)?)")
SUFFIXES = {"gauge": [""], "counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}


class Family:
    def __init__(self, name):
        self.name, self.type, self.unit, self.help = name, None, None, None
        self.samples = {}

    def describe(self, what, value):
        assert not self.samples, "described behind its samples"
        assert getattr(self, what) is None, "described twice"
        setattr(self, what, value)

    def check(self):
        assert self.type in SUFFIXES, f"of type {self.type}"
        assert self.help and not self.name.endswith(("_total", "_bucket", "_count", "_sum")), "its name"
        assert self.unit is None or self.name.endswith("_" + self.unit), "its name lacks the unit"
        if self.type == "histogram":
            self.check_histogram()

    def check_histogram(self):
        buckets = [(float(re.fullmatch(r'\w+\{le="(.*)"\}', name)[1]), float(value))
                   for name, value in self.samples.items() if "_bucket" in name]
        assert buckets == sorted(buckets) and len(set(le for le, _ in buckets)) == len(buckets), "not in order"
        assert [value for _, value in buckets] == sorted(value for _, value in buckets), "not cumulative"
        assert buckets[-1] == (float("inf"), float(self.samples[self.name + "_count"])), "count is not the last"
        assert float(self.samples[self.name + "_sum"]) >= 0


def read(text):
    """The families, by name. An AssertionError says what is wrong, and where."""
    assert text.endswith("\n# EOF\n"), "the end"
    families, family = {}, None
    for line in text[:-len("# EOF\n")].split("\n")[:-1]:
        try:
            if match := re.fullmatch(rf"# (TYPE|UNIT|HELP) ({NAME}) (.+)", line):
                if not family or family.name != match[2]:
                    assert match[2] not in families, "families are mixed"
                    family = families[match[2]] = Family(match[2])
                family.describe(match[1].lower(), match[3])
                continue
            match = SAMPLE.fullmatch(line)
            assert match, "no sample"
            assert match[1] in [family.name + suffix for suffix in SUFFIXES[family.type]], "of another family"
            name = match[1] + (match[2] or "")
            assert name not in family.samples, "twice"
            labels = re.findall(r"(\w+)=\"", match[2] or "")
            assert len(set(labels)) == len(labels), "a label twice"
            family.samples[name] = match[3]
        except AssertionError as error:
            raise AssertionError(f"{error}: {line}") from None
    for family in families.values():
        try:
            family.check()
        except AssertionError as error:
            raise AssertionError(f"{error}: {family.name}") from None
    return families


def flat(families):
    return sorted((sample.name, tuple(sorted(sample.labels.items())), sample.value)
                  for family in families for sample in family.samples)


def report(name, function):
    try:
        function()
        print(f"ok - {name}")
    except Exception as error:  # parsers have exceptions of their own
        print(f"not ok - {name}\n# {error}")


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        text = file.read()
    report("the text keeps to the grammar of OpenMetrics", lambda: read(text))
    try:
        from prometheus_client import parser
        from prometheus_client.openmetrics import parser as strict
    except ImportError:
        print("ok - Prometheus's parsers # SKIP python3-prometheus-client is not installed")
        return

    def same():
        new, old = flat(strict.text_string_to_metric_families(text)), flat(parser.text_string_to_metric_families(text))
        assert len(new) == sum(len(family.samples) for family in read(text).values()), "other samples"
        assert new == old, "the older parser reads something else"

    report("Prometheus's parsers read it, that of OpenMetrics and the older one alike", same)


main()
