"""`make fuzz`: hostile texts are explained without a crash, within a time, and without showing a key.

`python tests/causes/fuzz.py SECONDS [FOLDER [TEXT]]` looks with atheris, which steers by the lines that a text
reaches; where it has no wheel, Hypothesis looks for the same time. What fails is written to FOLDER; with its path
as TEXT it alone is looked at.
"""

import shutil
import sys
import time
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

GUIDED = __name__ == "__main__" and find_spec("atheris") is not None
if GUIDED:
    import atheris

with atheris.instrument_imports(include=["seawall.causes"]) if GUIDED else nullcontext():
    from seawall import redact
    from seawall.causes.cause import Cause, codes, load, readings
    from seawall.causes.compile import catalogue
    from seawall.causes.verdict import Verdict, explain
    from seawall.view.explanation import verdict
    from seawall.view.layout import Look

LONGEST = 5.0
"""Seconds for one text: about a hundred times what it takes, as the instrumented code is slow and machines are busy."""
REPEATED = 200_000
"""Characters to which some texts are repeated: what grows with the square of a length shows there."""
KEY = "sk-ant-api03-" + "Zz9" * 31 + "AA"
LOOKS = (Look(), Look(width=None), Look(width=1, windows=True), Look(color=True))


def text_of(data: bytes) -> str:
    """The text that some bytes stand for: as they are, over and over, or with a key in it."""
    how, rest = data[:1], data[1:].decode("utf-8", "replace")
    match how and how[0] % 32:
        case 1 if rest:
            return rest * (REPEATED // len(rest))
        case 2:
            return f"{rest[: len(rest) // 2]} {KEY} {rest[len(rest) // 2 :]}"
    return rest


def holds(text: str, causes: dict[str, Cause]) -> None:
    """What must be so for every text."""
    begun = time.process_time()
    found = explain(text)
    shown = redact.text(text[:4000])
    used = time.process_time() - begun
    assert used < LONGEST, f"{used:.1f} s for {len(text)} characters"
    named = [found.cause, *found.also, *(code for code, _ in found.counts)]
    assert not [code for code in named if code not in causes], named
    assert KEY[13:25] not in shown
    seen(found, causes)


def seen(found: Verdict, causes: dict[str, Cause]) -> None:
    """It can be shown in every way, and no way shows a key."""
    for look in LOOKS:
        block = "\n".join(verdict(found, causes[found.cause], look, "from your text only", held_key=False))
        assert block.strip()
        assert KEY[13:25] not in block


def seeds(folder: Path) -> tuple[Path, Path]:
    """Texts of the catalogue to begin with, and its words to build others from."""
    texts = [one.text for cause in catalogue() for one in cause.wordings]
    texts += [one.text for cause in catalogue() for one in (*cause.examples, *cause.near_misses) if one.text]
    begin, words = folder / "seeds", folder / "words"
    shutil.rmtree(begin, ignore_errors=True)
    begin.mkdir(parents=True)
    for number, text in enumerate(dict.fromkeys(texts)):
        (begin / f"{number}.txt").write_text("0" + text, "utf-8")
    known = sorted(word for word in readings().keys if word.isascii() and word.isalnum())
    words.write_text("".join(f'"{word}"\n' for word in known), "ascii")
    return begin, words


def by_atheris(seconds: int, folder: Path, causes: dict[str, Cause]) -> None:
    """Ends the process: with 0 if nothing was found. What reached new lines stays among the seeds."""
    begin, words = seeds(folder)
    options = [f"-max_total_time={seconds}", f"-dict={words}", f"-artifact_prefix={folder}/", "-timeout=60"]
    options += [
        "-max_len=8192",
        "-len_control=20",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
        "-verbosity=0",
    ]
    atheris.Setup([sys.argv[0], *options, str(begin)], lambda data: holds(text_of(bytes(data)), causes))
    atheris.Fuzz()


def by_hypothesis(seconds: int, folder: Path, causes: dict[str, Cause]) -> None:
    """The same texts without a guide: words of the catalogue among whatever there is."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    words = st.sampled_from(sorted(readings().keys))
    texts = st.lists(
        st.one_of(words, st.text(max_size=40), st.sampled_from(tuple('{"}[]\\:,\n\x1b<>&;%')))
    ).map("".join)
    until = time.monotonic() + seconds
    tried = 0

    @settings(
        max_examples=200,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(how=st.integers(0, 31), text=texts)
    def look(how: int, text: str) -> None:
        nonlocal tried
        tried += 1
        data = bytes([how]) + text.encode("utf-8", "replace")
        try:
            holds(text_of(data), causes)
        except BaseException:
            (folder / "text").write_bytes(data)
            raise

    while time.monotonic() < until:
        look()
    print(f"Hypothesis tried {tried} texts and found nothing.")


def main(arguments: list[str]) -> None:
    seconds = int(arguments[0]) if arguments else 60
    folder = Path(arguments[1] if len(arguments) > 1 else "build/fuzz")
    folder.mkdir(parents=True, exist_ok=True)
    causes = {code: load(code) for code in codes()}
    if len(arguments) > 2:
        holds(text_of(Path(arguments[2]).read_bytes()), causes)
        print("Nothing is wrong with this text any more.")
    elif GUIDED:
        by_atheris(seconds, folder, causes)
    else:
        print("atheris is not here: Hypothesis looks instead.")
        by_hypothesis(seconds, folder, causes)


if __name__ == "__main__":
    main(sys.argv[1:])
