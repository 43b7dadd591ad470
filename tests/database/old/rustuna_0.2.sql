PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE studies (
	study_id INTEGER NOT NULL,
	study_name VARCHAR(512) NOT NULL,
	PRIMARY KEY (study_id)
);
INSERT INTO studies VALUES(1,'rs');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL,
	schema_version INTEGER,
	library_version VARCHAR(256),
	PRIMARY KEY (version_info_id),
	CHECK (version_info_id=1)
);
INSERT INTO version_info VALUES(1,12,'4.6.0.dev');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL,
	direction VARCHAR(8) NOT NULL,
	study_id INTEGER NOT NULL,
	objective INTEGER NOT NULL,
	PRIMARY KEY (study_direction_id),
	UNIQUE (study_id, objective),
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO study_directions VALUES(1,'MINIMIZE',1,0);
CREATE TABLE trials (
	trial_id INTEGER NOT NULL,
	number INTEGER,
	study_id INTEGER,
	state VARCHAR(8) NOT NULL,
	datetime_start DATETIME,
	datetime_complete DATETIME,
	-- Rustuna-specific column; it is not part of Optuna's SQLite schema.
	-- NULL means the trial is live. It hides the trial from reads and doubles as the
	-- synchronization cursor other processes use to pick up newly discarded trials.
	-- Stored as naive UTC, unlike datetime_start and datetime_complete above.
	discarded_at DATETIME,
	PRIMARY KEY (trial_id),
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO trials VALUES(1,0,1,'COMPLETE','2026-11-27 12:13:27.242269','2026-11-27 12:13:27.253643',NULL);
INSERT INTO trials VALUES(2,1,1,'COMPLETE','2026-11-27 12:13:27.254629','2026-11-27 12:13:27.260878','2026-11-27 12:13:27.331670');
INSERT INTO trials VALUES(3,2,1,'PRUNED','2026-11-27 12:13:27.262028','2026-11-27 12:13:27.268853',NULL);
INSERT INTO trials VALUES(4,3,1,'COMPLETE','2026-11-27 12:13:27.270156','2026-11-27 12:13:27.277543',NULL);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL,
	trial_id INTEGER NOT NULL,
	heartbeat DATETIME NOT NULL,
	PRIMARY KEY (trial_heartbeat_id),
	UNIQUE (trial_id),
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE IF NOT EXISTS "study_user_attributes" (
	study_user_attribute_id INTEGER NOT NULL,
	study_id INTEGER,
	"key" VARCHAR(512),
	value_json TEXT,
	PRIMARY KEY (study_user_attribute_id),
	FOREIGN KEY(study_id) REFERENCES studies (study_id),
	UNIQUE (study_id, "key")
);
CREATE TABLE IF NOT EXISTS "study_system_attributes" (
	study_system_attribute_id INTEGER NOT NULL,
	study_id INTEGER,
	"key" VARCHAR(512),
	value_json TEXT,
	PRIMARY KEY (study_system_attribute_id),
	UNIQUE (study_id, "key"),
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO study_system_attributes VALUES(1,1,'category_labels:c:3','"i:1"');
INSERT INTO study_system_attributes VALUES(2,1,'category_labels:c:1','"None"');
INSERT INTO study_system_attributes VALUES(3,1,'category_labels:c:0','"s:a"');
INSERT INTO study_system_attributes VALUES(4,1,'category_labels:c:2','"true"');
CREATE TABLE IF NOT EXISTS "trial_user_attributes" (
	trial_user_attribute_id INTEGER NOT NULL,
	trial_id INTEGER,
	"key" VARCHAR(512),
	value_json TEXT,
	PRIMARY KEY (trial_user_attribute_id),
	UNIQUE (trial_id, "key"),
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO trial_user_attributes VALUES(1,1,'note','{"n": 2}');
INSERT INTO trial_user_attributes VALUES(2,2,'note','{"n": 6}');
INSERT INTO trial_user_attributes VALUES(3,3,'note','{"n": 3}');
INSERT INTO trial_user_attributes VALUES(4,4,'note','{"n": 3}');
CREATE TABLE IF NOT EXISTS "trial_system_attributes" (
	trial_system_attribute_id INTEGER NOT NULL,
	trial_id INTEGER,
	"key" VARCHAR(512),
	value_json TEXT,
	PRIMARY KEY (trial_system_attribute_id),
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id),
	UNIQUE (trial_id, "key")
);
CREATE TABLE IF NOT EXISTS "trial_params" (
	param_id INTEGER NOT NULL,
	trial_id INTEGER,
	param_name VARCHAR(512),
	param_value FLOAT,
	distribution_json TEXT,
	PRIMARY KEY (param_id),
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id),
	UNIQUE (trial_id, param_name)
);
INSERT INTO trial_params VALUES(1,1,'x',0.0054520298911449049938,'{"attributes":{"high":1.0,"log":false,"low":0.0,"step":null},"name":"FloatDistribution"}');
INSERT INTO trial_params VALUES(2,1,'n',2.0,'{"attributes":{"high":8,"log":true,"low":1,"step":1},"name":"IntDistribution"}');
INSERT INTO trial_params VALUES(3,1,'c',3.0,'{"attributes":{"choices":["a",null,true,1]},"name":"CategoricalDistribution"}');
INSERT INTO trial_params VALUES(4,2,'x',0.93426216953858109981,'{"attributes":{"high":1.0,"log":false,"low":0.0,"step":null},"name":"FloatDistribution"}');
INSERT INTO trial_params VALUES(5,2,'n',6.0,'{"attributes":{"high":8,"log":true,"low":1,"step":1},"name":"IntDistribution"}');
INSERT INTO trial_params VALUES(6,2,'c',3.0,'{"attributes":{"choices":["a",null,true,1]},"name":"CategoricalDistribution"}');
INSERT INTO trial_params VALUES(7,3,'x',0.13275821541696219973,'{"attributes":{"high":1.0,"log":false,"low":0.0,"step":null},"name":"FloatDistribution"}');
INSERT INTO trial_params VALUES(8,3,'n',3.0,'{"attributes":{"high":8,"log":true,"low":1,"step":1},"name":"IntDistribution"}');
INSERT INTO trial_params VALUES(9,3,'c',2.0,'{"attributes":{"choices":["a",null,true,1]},"name":"CategoricalDistribution"}');
INSERT INTO trial_params VALUES(10,4,'x',0.02274525263961479915,'{"attributes":{"high":1.0,"log":false,"low":0.0,"step":null},"name":"FloatDistribution"}');
INSERT INTO trial_params VALUES(11,4,'n',3.0,'{"attributes":{"high":8,"log":true,"low":1,"step":1},"name":"IntDistribution"}');
INSERT INTO trial_params VALUES(12,4,'c',3.0,'{"attributes":{"choices":["a",null,true,1]},"name":"CategoricalDistribution"}');
CREATE TABLE IF NOT EXISTS "trial_intermediate_values" (
	trial_intermediate_value_id INTEGER NOT NULL,
	trial_id INTEGER NOT NULL,
	step INTEGER NOT NULL,
	intermediate_value FLOAT,
	intermediate_value_type VARCHAR(7) NOT NULL,
	PRIMARY KEY (trial_intermediate_value_id),
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id),
	UNIQUE (trial_id, step)
);
CREATE TABLE IF NOT EXISTS "trial_values" (
	trial_value_id INTEGER NOT NULL,
	trial_id INTEGER NOT NULL,
	objective INTEGER NOT NULL,
	value FLOAT,
	value_type VARCHAR(7) NOT NULL,
	PRIMARY KEY (trial_value_id),
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id),
	UNIQUE (trial_id, objective)
);
INSERT INTO trial_values VALUES(1,1,0,0.0054520298911449049938,'FINITE');
INSERT INTO trial_values VALUES(2,2,0,0.93426216953858109981,'FINITE');
INSERT INTO trial_values VALUES(3,4,0,0.02274525263961479915,'FINITE');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX trials_study_id_key ON trials (study_id);
CREATE INDEX trials_study_id_number_key ON trials (study_id, number);
CREATE INDEX trials_study_id_discarded_at_key ON trials (study_id, discarded_at);
COMMIT;
