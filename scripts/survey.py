import sys

from galddpm.commands import survey
from galddpm.commands.shell import run_command

if __name__ == "__main__":
    sys.exit(run_command(survey.main))
