"""``echosynth audit`` looks for copies of training frames in a synthetic set, and for memory of patients in its generator."""

from __future__ import annotations

import argparse
from pathlib import Path

from monai_echosynth.commands.evaluate import SECTIONS
from monai_echosynth.commands.options import Commands, add_command, add_option

__all__ = ["add", "run"]


def add(commands: Commands) -> argparse.ArgumentParser:
    """Adds the options."""
    command = add_command(commands, "audit", run, "look for copies of training frames in a synthetic set")
    add_option(
        command, "--generator-set", type=Path, required=True, metavar="DIR", help="synthetic set that is audited"
    )
    add_option(
        command,
        "--training",
        type=Path,
        required=True,
        metavar="DIR",
        help="prepared data that the generator was trained on",
    )
    add_option(
        command, "--held-out", type=Path, metavar="DIR", help="prepared data of other patients; else that of --training"
    )
    add_option(command, "--training-section", choices=SECTIONS, default="training", help="frames that were trained on")
    add_option(
        command,
        "--held-out-section",
        choices=SECTIONS,
        nargs="+",
        default=["validation", "test"],
        help="frames of patients that were not, joined",
    )
    add_option(
        command, "--out", type=Path, default=Path("runs/audit"), metavar="DIR", help="folder of audit.json, audit.html"
    )
    add_option(
        command,
        "--filtered",
        type=Path,
        metavar="DIR",
        help="new folder for the set without the frames that are flagged",
    )
    add_option(
        command,
        "--bundle",
        type=Path,
        metavar="BUNDLE",
        help="trained echo_generative_diffusion bundle, for membership inference",
    )
    add_option(
        command,
        "--segmenter",
        type=Path,
        metavar="BUNDLE",
        help="trained echo_segmentation bundle; else one is trained",
    )
    add_option(
        command,
        "--false-alarms",
        type=float,
        default=0.05,
        metavar="A",
        help="share of held-out patients that may raise an alarm",
    )
    add_option(command, "--seed", type=int, default=0, metavar="S", help="of draws and trainings")
    return command


def run(args: argparse.Namespace) -> int:
    """Audits, writes and prints; returns the exit code: 0, or 1 where frames are flagged and no filtered set was asked for."""
    from monai_echosynth.workflows.audit import AuditSettings, run_audit
    from monai_echosynth.workflows.audit_table import audit_text

    settings = AuditSettings(
        training_section=args.training_section,
        held_out_sections=tuple(args.held_out_section),
        false_alarms=args.false_alarms,
        segmenter=args.segmenter,
        bundle=args.bundle,
        seed=args.seed,
    )
    found = run_audit(args.generator_set, args.training, args.out, args.held_out, args.filtered, settings)
    print(audit_text(found))
    if found["filtered"]:
        print(f"{found['filtered']['kept']} frames kept in {args.filtered}")
    print(f"page and numbers in {args.out}")
    return 1 if found["copies"]["flagged"] and not found["filtered"] else 0
