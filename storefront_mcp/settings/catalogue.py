"""Settings of what is remembered of shops' catalogues."""

from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta, Struct
from msgspec.structs import replace

from storefront_mcp.access.credentials import Secret
from storefront_mcp.settings.limits import SharedStore
from storefront_mcp.settings.problems import SettingProblem

MAX_SYNONYM_CHARS: Final = 1_000_000

Megabytes = Annotated[int, Meta(ge=1, le=65_536, description="a whole number of megabytes, from 1 to 65536")]
Age = Annotated[int, Meta(ge=0, le=3_600, description="a whole number of seconds, from 0 to 3600 (an hour)")]
Hour = Annotated[int, Meta(ge=0, le=23, description="a whole number from 0 to 23")]
MirrorAge = Annotated[int, Meta(ge=60, le=604_800, description="a whole number of seconds, from 60 to 604800 (a week)")]
Pause = Annotated[float, Meta(ge=0.1, le=3_600, description="seconds, from 0.1 to 3600 (an hour)")]
Switch = Annotated[bool, Meta(description="true or false")]
Folder = Annotated[str, Meta(min_length=1, max_length=4_000, description="a path that is not empty")]
LongAge = Annotated[int, Meta(ge=0, le=86_400, description="a whole number of seconds, from 0 to 86400 (a day)")]

DEFAULT_FOLDER: Final = "catalogue"


class CatalogueSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[catalogue]`: the cache of one worker."""

    memory_mb: Megabytes = 32
    """Of all stores together, which get equal parts."""
    folder: Folder | None = None
    """Where mirrors are kept, absolute once loaded; not on a network file system. None: `catalogue` beside the
    database's file, or beside the settings where the database is a server."""
    shared: SharedStore | None = None
    """Redis or Valkey in which workers and machines share what they were told."""

    def at(self, settings: Path, *, state: Path | None = None) -> "CatalogueSettings":
        """With its folder made absolute; `settings` and `state` are the folders of the file and of the database."""
        chosen = (state or settings) / DEFAULT_FOLDER if self.folder is None else settings / self.folder
        return replace(self, folder=str(chosen))

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.folder or DEFAULT_FOLDER)


class StoreCatalogueSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.catalogue]`: how old what agents see may be, in seconds; 0 asks the shop each time."""

    search: Age = 30
    product: Age = 30
    browse: Age = 300
    """Categories and the facts of the shop."""
    page: Age = 600
    outage: LongAge = 3_600
    """Age of what searches and products may show while the shop does not answer."""
    webhook_secret: Annotated[Secret, Meta(description="what `openssl rand -base64 32` prints")] | None = None
    """Of webhooks that tell what has changed; without one none is heard."""


class MirrorSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[store.mirror]`: a copy of the shop's catalogue that searches are answered from."""

    on: Switch = False
    poll: Pause = 60.0
    """Seconds between two questions for what has changed."""
    pace: Pause = 1.0
    """Seconds between two pages of the lists that tell stock and prices."""
    sweep_hour: Hour = 3
    """UTC; from then on the whole catalogue is read anew once a day."""
    max_age: MirrorAge = 900
    """Seconds without word from the shop after which answers are marked as stale."""
    give_up: MirrorAge = 86_400
    """And after which the shop is asked for each search."""
    synonyms: Folder | None = None
    """A file of words that mean the same, in lines; its path is absolute once loaded."""

    def at(self, home: Path, problems: list[SettingProblem]) -> "MirrorSettings":
        """With the path of its synonyms made absolute; a file that cannot be used is a problem."""
        if self.synonyms is None:
            return self
        path = home / self.synonyms
        try:
            size = len(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            problems.append(SettingProblem("store.mirror.synonyms", f"{path} cannot be read: {why}."))
        else:
            if size > MAX_SYNONYM_CHARS:
                problems.append(
                    SettingProblem("store.mirror.synonyms", f"{path} has over {MAX_SYNONYM_CHARS} characters.")
                )
        return replace(self, synonyms=str(path))
