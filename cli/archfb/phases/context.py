"""How much a phase will ask of a model, told before anything is made of the repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

from archfb.phases.budgets import budget
from archfb.phases.material import overview
from archfb.phases.prompting import fenced, prompt

if TYPE_CHECKING:
    from archfb.config.model import Config
    from archfb.repository.records import Repository

_PROMPTS = {
    "phase1": "phase1_structure",
    "phase2": "phase2_plan",
    "phase3": "phase3_agent",
    "phase4": "phase4_synthesis",
    "phase5": "phase5_report",
    "final": "final_rules",
}


def context(repo: Repository, config: Config, phase: str) -> tuple[int, int]:
    """Return the characters and the files of a phase's question.

    Phase 1 asks with just so much. What the others send is made by those before them: it is taken to be as long as
    the overview would be, and only the agents of phase 3 read files.
    """
    material = fenced([overview(repo, budget(config, phase))])
    return len(material) + len(prompt(_PROMPTS[phase]).system), len(repo.files) if phase == "phase3" else 0
