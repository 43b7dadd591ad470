"""Optuna's tables as far as dgsearch reads or writes them, and dgsearch's own beside them.

Optuna creates and versions its own tables (schema of Optuna 3.2 to 5.0); the definitions here
only name their columns. Ours begin with `dgsearch_` and hold what Optuna has no place for.
The names `dgsearch_trials` and `dgsearch_scores` belong to the views of `views.py`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Double,
    Enum,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = 5  # of dgsearch's own tables; `migrations.py` lists what each one added
OLDEST_SCHEMA = 2  # of dgsearch 0.1.0

STATES = ("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING")

OPTUNA = MetaData()
_VALUE_TYPES = ("FINITE", "INF_POS", "INF_NEG")

STUDIES = Table(
    "studies",
    OPTUNA,
    Column("study_id", Integer, primary_key=True),
    Column("study_name", String(512)),
)
STUDY_DIRECTIONS = Table(
    "study_directions",
    OPTUNA,
    Column("study_id", Integer),
    Column("objective", Integer),
    Column("direction", Enum("NOT_SET", "MINIMIZE", "MAXIMIZE", name="studydirection")),
)
STUDY_SYSTEM_ATTRIBUTES = Table(
    "study_system_attributes",
    OPTUNA,
    Column("study_id", Integer),
    Column("key", String(512)),
    Column("value_json", Text),
)
TRIALS = Table(
    "trials",
    OPTUNA,
    Column("trial_id", Integer, primary_key=True),
    Column("number", Integer),
    Column("study_id", Integer),
    Column("state", Enum(*STATES, name="trialstate")),
    Column("datetime_start", DateTime),
    Column("datetime_complete", DateTime),
)
PARAMS = Table(
    "trial_params",
    OPTUNA,
    Column("param_id", Integer, primary_key=True),
    Column("trial_id", Integer),
    Column("param_name", String(512)),
    Column("param_value", Float(53)),
    Column("distribution_json", Text),
)
VALUES = Table(
    "trial_values",
    OPTUNA,
    Column("trial_value_id", Integer, primary_key=True),
    Column("trial_id", Integer),
    Column("objective", Integer),
    Column("value", Float(53)),
    Column("value_type", Enum(*_VALUE_TYPES, name="trialvaluetype")),
)
# joins a trial to the first of its values; a study of several objectives has one for each
FIRST_VALUE = (VALUES.c.trial_id == TRIALS.c.trial_id) & (VALUES.c.objective == 0)
INTERMEDIATE_VALUES = Table(
    "trial_intermediate_values",
    OPTUNA,
    Column("trial_intermediate_value_id", Integer, primary_key=True),
    Column("trial_id", Integer),
    Column("step", Integer),
    Column("intermediate_value", Float(53)),
    Column(
        "intermediate_value_type", Enum(*_VALUE_TYPES, "NAN", name="trialintermediatevaluetype")
    ),
)
TRIAL_USER_ATTRIBUTES = Table(
    "trial_user_attributes",
    OPTUNA,
    Column("trial_user_attribute_id", Integer, primary_key=True),
    Column("trial_id", Integer),
    Column("key", String(512)),
    Column("value_json", Text),
)
TRIAL_SYSTEM_ATTRIBUTES = Table(
    "trial_system_attributes",
    OPTUNA,
    Column("trial_id", Integer),
    Column("key", String(512)),
    Column("value_json", Text),
)
VERSION_INFO = Table(
    "version_info",
    OPTUNA,
    Column("schema_version", Integer),
    Column("library_version", String(256)),
)
ALEMBIC_VERSION = Table("alembic_version", OPTUNA, Column("version_num", String(32)))

OWN = MetaData()

OWN_INFO = Table(
    "dgsearch_info",
    OWN,
    Column("info_id", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("schema_version", Integer, nullable=False),
)
OWN_STUDIES = Table(
    "dgsearch_studies",
    OWN,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("method", String(200), nullable=False),
    Column("spec_json", Text, nullable=False),  # the study file as data
    Column("facts_json", Text, nullable=False),  # spaces, versions, data, machine
    Column("created_at", Double, nullable=False),  # seconds since 1970, UTC
)
OWN_CONFIGURATIONS = Table(
    "dgsearch_configurations",
    OWN,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("config_id", String(32), primary_key=True),
    Column("method", String(200), nullable=False),
    Column("role", String(32), nullable=False),  # point, baseline, variant or proposal
    Column("variant", String(200), nullable=False),  # of an ablation or family; else empty
    Column("values_json", Text, nullable=False),  # every hyperparameter of the method
)
OWN_TRIALS = Table(
    "dgsearch_trial_facts",
    OWN,
    Column("trial_id", Integer, primary_key=True, autoincrement=False),
    Column("study_id", Integer, nullable=False),
    Column("seed", BigInteger, nullable=False),
    Column("config_id", String(32), nullable=False),
    Column("driver_id", String(32)),
    Column("attempt", Integer, nullable=False),  # 1, 2, ... of this configuration and seed
    Column("continues", Integer),  # number of the interrupted trial that it goes on from
    Column("stop_reason", String(32)),  # a `StopReason`
    Column("epochs", Integer),  # epochs of the last stage that were reported
    Column("selected_epoch", Integer),  # the epoch whose scores count
    Column("wall_s", Double),
    Column("train_s", Double),
    Column("evaluation_s", Double),
    Column("saved_s", Double),  # seconds saved by stored stages
    Column("device", String(200)),
    Column("host", String(200)),
    Column("peak_memory_mb", Double),
    Column("warnings", Text),  # one a line
    Column("stages_json", Text),  # which stages were trained and which taken
    Column("rung", Integer),  # epoch at which halving stopped it
    Column("cutoff", Double),  # the value that it had to reach there
    Column("error_type", String(200)),
    Column("error", Text),
    Column("judged", Integer),  # 1 where halving decides on it, else 0; since schema 3
    Column("proposed", Integer),  # 1 for a proposal of a search, else 0; since schema 3
    Column("provenance_id", String(32)),  # of `dgsearch_provenances`; since schema 3
    Index("dgsearch_trial_facts_by_study", "study_id", "config_id", "seed"),
)
OWN_PROVENANCES = Table(
    "dgsearch_provenances",
    OWN,
    Column("provenance_id", String(32), primary_key=True),  # hash of its content
    Column("content_json", Text, nullable=False),  # versions, data, device, threads, numerics
)
# joins a trial's row of ours to its configuration
CONFIGURATION_OF_TRIAL = (OWN_CONFIGURATIONS.c.study_id == OWN_TRIALS.c.study_id) & (
    OWN_CONFIGURATIONS.c.config_id == OWN_TRIALS.c.config_id
)
OWN_SERIES = Table(
    "dgsearch_series",
    OWN,
    Column("series_id", Integer, primary_key=True),
    Column("split", String(32), nullable=False),
    Column("domain", String(200), nullable=False),
    Column("metric", String(200), nullable=False),
    UniqueConstraint("split", "domain", "metric"),
)
OWN_SCORES = Table(
    "dgsearch_score_values",
    OWN,
    Column("trial_id", Integer, primary_key=True, autoincrement=False),
    Column("series_id", Integer, ForeignKey("dgsearch_series.series_id"), primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("value", Double),  # NULL stands for NaN
    sqlite_with_rowid=False,
)
OWN_SAMPLES = Table(
    "dgsearch_samples",
    OWN,
    Column("trial_id", Integer, primary_key=True, autoincrement=False),
    Column("name", String(200), primary_key=True),
    Column("content_json", Text, nullable=False),  # plain data, pictures as PNG in base64
)
OWN_PREDICTIONS = Table(
    "dgsearch_predictions",  # since schema 4
    OWN,
    Column("trial_id", Integer, primary_key=True, autoincrement=False),
    Column("split", String(32), primary_key=True),  # validation or test
    Column("domain", String(200), primary_key=True),
    Column("epoch", Integer, nullable=False),  # the one that counts
    Column("images", Integer, nullable=False),
    Column("correct", LargeBinary(2**24), nullable=False),  # a bit an image, see `predictions`
)
OWN_DRIVERS = Table(
    "dgsearch_drivers",
    OWN,
    Column("driver_id", String(32), primary_key=True),
    Column("host", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("heartbeat_at", Double, nullable=False),  # seconds since 1970 by the server's clock
    Column("process", String(200)),  # as `processes.this_process` names it; since schema 4
)
OWN_PROPOSALS = Table(
    "dgsearch_proposals",  # of `dgsearch judge`; since schema 5
    OWN,
    Column("study_id", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),  # 1, 2, ... in the series
    Column("champion", String(32), nullable=False),  # config_id of what it is compared with
    Column("proposal", String(32), nullable=False),  # its own config_id
    Column("changes_json", Text, nullable=False),  # what was asked for, by hyperparameter
    Column("values_json", Text, nullable=False),  # every hyperparameter
    Column("judged_by", String(32), nullable=False),  # the outcome: targets or validation
    Column("seeds_json", Text, nullable=False),  # in the order in which they are taken
    Column("part", Double, nullable=False),  # of the error budget, given when it was begun
    Column("noise_variance", Double, nullable=False),  # what was known of the noise then
    Column("noise_weight", Double, nullable=False),
    Column("noise_pooled", Double, nullable=False),
    Column("begun_at", Double, nullable=False),  # seconds since 1970, UTC
    Column("decision", String(32)),  # NULL: not decided yet
    Column("kept_as", Integer),  # 1, 2, ...: which champion of the series it became
    Column("seeds", Integer),
    Column("pairs", Integer),
    Column("difference", Double),
    Column("low", Double),
    Column("high", Double),
    Column("p", Double),
    Column("variance", Double),  # of its paired differences
    Column("decided_at", Double),
    UniqueConstraint("study_id", "champion", "proposal"),
)
# Rows that belong to a trial, besides its row in OWN_TRIALS, and to a study.
OWN_OF_TRIALS = (OWN_SCORES, OWN_SAMPLES, OWN_PREDICTIONS)
OWN_OF_STUDIES = (OWN_CONFIGURATIONS, OWN_PROPOSALS, OWN_STUDIES)
