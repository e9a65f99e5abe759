"""The command line: a table of commands, and how each of them ends.

Only the standard library is imported here, so that help is there at once; a command's module
loads when it is asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import ModuleType

from loopyard.core.errors import LoopyardError, NoSpaceError, StoreError
from loopyard.core.stop import stoppable

PACKAGE = "loopyard.surface.commands"

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("run", "a whole campaign: generate, audit, train, roll out, judge; again to resume"),
    "status": ("status", "where a campaign stands, from its event log alone"),
    "verify": ("verify", "is a run folder whole? every file is compared with its manifest"),
    "mirror": ("mirror", "a copy of a run in an object store: send it, or bring it back"),
    "watch": ("watch", "keep a campaign going: start its runner again where it died or got stuck"),
    "measure": ("measure", "what an episode, a training step and a rollout cost on this machine"),
    "generate": ("generate", "let the expert drive and write a dataset"),
    "audit": ("audit", "may this dataset be trained on?"),
    "import": ("import_", "recordings as HDF5, bags, MP4 or LeRobot of any version, as a dataset"),
    "export": ("export", "a dataset as MP4 and JSON lines, LeRobot v3.0 or robomimic HDF5"),
    "augment": ("augment", "a mirrored, retimed or perturbed copy of a dataset; a contact sheet"),
    "export lerobot-policy": ("export_policy", "an act checkpoint for LeRobot's ACTPolicy"),
    "export adapters": ("export_adapters", "a vla checkpoint's LoRA adapters for peft"),
    "train": ("train", "train a policy on datasets"),
    "merge": ("merge", "a vla checkpoint's adapters put into its backbone: it stands alone"),
    "finetune": ("finetune", "teach a policy a patch of new data while it rehearses the old"),
    "evaluate": ("evaluate", "let a policy drive on unseen scenes and count"),
    "diagnose": ("diagnose", "why rollouts failed: classes, patterns and their evidence"),
    "lessons": ("lessons", "what a campaign learned from its cycles, and what became of it"),
    "scenarios list": ("scenarios_list", "the failure modes there are, the gravest first"),
    "scenarios show": ("scenarios_show", "one failure mode, its parameters, an example; schemas"),
    "scenarios sample": ("scenarios_sample", "draw scenarios, general and of each tier"),
    "scenarios gallery": ("scenarios_gallery", "one page with a picture of each failure mode"),
    "scenarios coverage": ("scenarios_coverage", "which modes were generated, driven, passed"),
    "scenarios search": ("scenarios_search", "look for parameters under which a policy fails"),
    "serve": ("serve", "answer robots over a websocket: a policy, its batches, a safe standstill"),
    "approve": ("approve", "say yes, or no, to a change that a campaign waits with"),
    "report": ("report", "the report of a run folder, as one page that opens offline"),
    "doctor": ("doctor", "is this machine ready? what is missing?"),
}
"""What is typed, the module below PACKAGE, and one line about it."""

EXIT_OK, EXIT_WRONG_USE, EXIT_INTERRUPTED, EXIT_BUG, EXIT_PIPE = 0, 2, 3, 70, 141

JSON_LINE = "With --json, anywhere: one JSON object on stdout instead of text."

ENDING = """\
Every command takes --help, which shows an example, and --json, for one JSON object on stdout.

exit codes: 0 done; 1 the answer is no (gate rejected, audit failed); 2 wrong use or bad input;
            3 interrupted, run the same command again to go on; 70 a bug, with a traceback"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    args = list(sys.argv[1:] if argv is None else argv)
    if not args or args[0] in ("-h", "--help", "help"):
        print(help_text())
        return EXIT_OK
    if args[0] in ("-V", "--version"):
        from loopyard import __version__

        print(f"loopyard {__version__}")
        return EXIT_OK
    name, rest = split_command(args)
    if name is None:
        return _explain_unknown(args)
    as_json = "--json" in rest
    return run_command(name, [arg for arg in rest if arg != "--json"], as_json=as_json)


def help_text() -> str:
    """What ``loopyard --help`` prints."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(["usage: loopyard COMMAND [OPTIONS]", "", "commands:", *lines, "", ENDING])


def split_command(args: Sequence[str]) -> tuple[str | None, list[str]]:
    """The command's name, of one word or two, and what follows it."""
    for words in (2, 1):
        name = " ".join(args[:words])
        if len(args) >= words and name in COMMANDS:
            return name, list(args[words:])
    return None, list(args)


def run_command(name: str, args: Sequence[str], *, as_json: bool) -> int:
    """Parse a command's options, run it, and turn what it raises into an exit code."""
    from loopyard.surface.console import Console

    console = Console(json=as_json)
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # so that "package.module:ClassName" finds a user's own
    try:
        with stoppable():
            module = _load(name)
            return module.run(_parse(name, module, args), console)
    except LoopyardError as error:
        return _fail(console, error, error.exit_code)
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to go on", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # whoever read our output left; keep the interpreter from complaining at its exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_PIPE
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else EXIT_WRONG_USE
    except Exception as error:
        return _fail_unexpectedly(console, error)


def _load(name: str) -> ModuleType:
    from importlib import import_module

    return import_module(f"{PACKAGE}.{COMMANDS[name][0]}")


def _parse(name: str, module: ModuleType, args: Sequence[str]) -> object:
    import tyro

    return tyro.cli(
        module.Options,
        prog=f"loopyard {name}",
        description=f"{(module.__doc__ or '').strip()}\n\n{JSON_LINE}",
        args=list(args),
    )


def _explain_unknown(args: Sequence[str]) -> int:
    """For a word that is no command, or only the first of two."""
    nested = [name for name in COMMANDS if name.startswith(args[0] + " ")]
    if nested:
        width = max(map(len, nested))
        lines = [f"  loopyard {name:<{width}}  {COMMANDS[name][1]}" for name in nested]
        wants_help = len(args) > 1 and args[1] in ("-h", "--help")
        stream = sys.stdout if wants_help else sys.stderr
        print("\n".join([f"usage: loopyard {args[0]} ...", *lines]), file=stream)
        return EXIT_OK if wants_help else EXIT_WRONG_USE
    from difflib import get_close_matches

    near = get_close_matches(args[0], [*COMMANDS, *(n.split()[0] for n in COMMANDS)], n=1)
    hint = f"did you mean '{near[0]}'?" if near else "see 'loopyard --help'"
    print(f"error: unknown command '{args[0]}'; {hint}", file=sys.stderr)
    return EXIT_WRONG_USE


def _fail(console: object, error: LoopyardError, code: int) -> int:
    _answer_error(console, error)
    print(f"error: {error}", file=sys.stderr)
    return code


def _fail_unexpectedly(console: object, error: Exception) -> int:
    from loopyard.store.space import is_disk_failure, is_no_space

    if is_no_space(error):
        return _fail(console, NoSpaceError(f"the disk is full: {error}"), EXIT_INTERRUPTED)
    if is_disk_failure(error):
        again = "once it works, the same command goes on from what is whole"
        return _fail(console, StoreError(f"the disk fails: {error}; {again}"), EXIT_INTERRUPTED)
    import traceback

    _answer_error(console, error)
    traceback.print_exception(error)
    print(
        "error: this is a bug in Loopyard; please report it with the lines above", file=sys.stderr
    )
    return EXIT_BUG


def _answer_error(console: object, error: Exception) -> None:
    from loopyard.surface.console import Console

    assert isinstance(console, Console)
    console.result({"error": {"type": type(error).__name__, "message": str(error)}}, "")


if __name__ == "__main__":
    sys.exit(main())
