BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v3.2.0.a');
CREATE TABLE dgsearch_configurations (
	study_id INTEGER NOT NULL, 
	config_id VARCHAR(32) NOT NULL, 
	method VARCHAR(200) NOT NULL, 
	role VARCHAR(32) NOT NULL, 
	variant VARCHAR(200) NOT NULL, 
	values_json TEXT NOT NULL, 
	PRIMARY KEY (study_id, config_id)
);
INSERT INTO "dgsearch_configurations" VALUES(1,'e51256f5c2ef','mpbm','point','','{"lambda_adv": 0.5, "lambda_mix": 0.5, "T": 5, "N_b": 5, "attention": "feature", "adversarial_alignment": "on", "epochs": 3, "lr": 0.001}');
INSERT INTO "dgsearch_configurations" VALUES(1,'770519d1b7bf','erm','baseline','','{"epochs": 3, "lr": 0.001}');
INSERT INTO "dgsearch_configurations" VALUES(1,'211d0d752617','mpbm','point','','{"lambda_adv": 0.0, "lambda_mix": 0.5, "T": 5, "N_b": 5, "attention": "feature", "adversarial_alignment": "on", "epochs": 3, "lr": 0.001}');
INSERT INTO "dgsearch_configurations" VALUES(1,'ce06cf2ee7c9','mpbm','point','','{"lambda_adv": 1.0, "lambda_mix": 0.5, "T": 5, "N_b": 5, "attention": "feature", "adversarial_alignment": "on", "epochs": 3, "lr": 0.001}');
CREATE TABLE dgsearch_drivers (
	driver_id VARCHAR(32) NOT NULL, 
	host VARCHAR(200) NOT NULL, 
	pid INTEGER NOT NULL, 
	heartbeat_at DOUBLE NOT NULL, 
	PRIMARY KEY (driver_id)
);
INSERT INTO "dgsearch_drivers" VALUES('e2efde14a48a','vm',6056,1.79577918596388578413e+09);
CREATE TABLE dgsearch_info (
	info_id INTEGER NOT NULL, 
	schema_version INTEGER NOT NULL, 
	PRIMARY KEY (info_id)
);
INSERT INTO "dgsearch_info" VALUES(1,2);
CREATE TABLE dgsearch_samples (
	trial_id INTEGER NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	content_json TEXT NOT NULL, 
	PRIMARY KEY (trial_id, name)
);
CREATE TABLE dgsearch_score_values (
	trial_id INTEGER NOT NULL, 
	series_id INTEGER NOT NULL, 
	epoch INTEGER NOT NULL, 
	value DOUBLE, 
	PRIMARY KEY (trial_id, series_id, epoch), 
	FOREIGN KEY(series_id) REFERENCES dgsearch_series (series_id)
)
 WITHOUT ROWID

;
INSERT INTO "dgsearch_score_values" VALUES(1,1,1,0.5);
INSERT INTO "dgsearch_score_values" VALUES(1,1,2,0.5);
INSERT INTO "dgsearch_score_values" VALUES(1,1,3,0.5);
INSERT INTO "dgsearch_score_values" VALUES(1,2,1,0.4);
INSERT INTO "dgsearch_score_values" VALUES(1,2,2,0.4);
INSERT INTO "dgsearch_score_values" VALUES(1,2,3,0.4);
INSERT INTO "dgsearch_score_values" VALUES(1,3,1,0.6);
INSERT INTO "dgsearch_score_values" VALUES(1,3,2,0.6);
INSERT INTO "dgsearch_score_values" VALUES(1,3,3,0.6);
INSERT INTO "dgsearch_score_values" VALUES(2,1,1,0.51);
INSERT INTO "dgsearch_score_values" VALUES(2,1,2,0.51);
INSERT INTO "dgsearch_score_values" VALUES(2,1,3,0.51);
INSERT INTO "dgsearch_score_values" VALUES(2,2,1,4.10000000000000031086e-01);
INSERT INTO "dgsearch_score_values" VALUES(2,2,2,4.10000000000000031086e-01);
INSERT INTO "dgsearch_score_values" VALUES(2,2,3,4.10000000000000031086e-01);
INSERT INTO "dgsearch_score_values" VALUES(2,3,1,0.61);
INSERT INTO "dgsearch_score_values" VALUES(2,3,2,0.61);
INSERT INTO "dgsearch_score_values" VALUES(2,3,3,0.61);
INSERT INTO "dgsearch_score_values" VALUES(3,1,1,0.52);
INSERT INTO "dgsearch_score_values" VALUES(3,1,2,0.52);
INSERT INTO "dgsearch_score_values" VALUES(3,1,3,0.52);
INSERT INTO "dgsearch_score_values" VALUES(3,2,1,4.20000000000000039968e-01);
INSERT INTO "dgsearch_score_values" VALUES(3,2,2,4.20000000000000039968e-01);
INSERT INTO "dgsearch_score_values" VALUES(3,2,3,4.20000000000000039968e-01);
INSERT INTO "dgsearch_score_values" VALUES(3,3,1,0.62);
INSERT INTO "dgsearch_score_values" VALUES(3,3,2,0.62);
INSERT INTO "dgsearch_score_values" VALUES(3,3,3,0.62);
INSERT INTO "dgsearch_score_values" VALUES(6,1,1,0.6);
INSERT INTO "dgsearch_score_values" VALUES(6,1,2,0.6);
INSERT INTO "dgsearch_score_values" VALUES(6,1,3,0.6);
INSERT INTO "dgsearch_score_values" VALUES(6,2,1,0.5);
INSERT INTO "dgsearch_score_values" VALUES(6,2,2,0.5);
INSERT INTO "dgsearch_score_values" VALUES(6,2,3,0.5);
INSERT INTO "dgsearch_score_values" VALUES(6,3,1,0.7);
INSERT INTO "dgsearch_score_values" VALUES(6,3,2,0.7);
INSERT INTO "dgsearch_score_values" VALUES(6,3,3,0.7);
INSERT INTO "dgsearch_score_values" VALUES(7,1,1,0.55);
INSERT INTO "dgsearch_score_values" VALUES(7,1,2,0.55);
INSERT INTO "dgsearch_score_values" VALUES(7,1,3,0.55);
INSERT INTO "dgsearch_score_values" VALUES(7,2,1,4.50000000000000066613e-01);
INSERT INTO "dgsearch_score_values" VALUES(7,2,2,4.50000000000000066613e-01);
INSERT INTO "dgsearch_score_values" VALUES(7,2,3,4.50000000000000066613e-01);
INSERT INTO "dgsearch_score_values" VALUES(7,3,1,0.65);
INSERT INTO "dgsearch_score_values" VALUES(7,3,2,0.65);
INSERT INTO "dgsearch_score_values" VALUES(7,3,3,0.65);
INSERT INTO "dgsearch_score_values" VALUES(8,1,1,0.56);
INSERT INTO "dgsearch_score_values" VALUES(8,1,2,0.56);
INSERT INTO "dgsearch_score_values" VALUES(8,1,3,0.56);
INSERT INTO "dgsearch_score_values" VALUES(8,2,1,4.60000000000000075495e-01);
INSERT INTO "dgsearch_score_values" VALUES(8,2,2,4.60000000000000075495e-01);
INSERT INTO "dgsearch_score_values" VALUES(8,2,3,4.60000000000000075495e-01);
INSERT INTO "dgsearch_score_values" VALUES(8,3,1,0.66);
INSERT INTO "dgsearch_score_values" VALUES(8,3,2,0.66);
INSERT INTO "dgsearch_score_values" VALUES(8,3,3,0.66);
INSERT INTO "dgsearch_score_values" VALUES(9,1,1,5.70000000000000062172e-01);
INSERT INTO "dgsearch_score_values" VALUES(9,1,2,5.70000000000000062172e-01);
INSERT INTO "dgsearch_score_values" VALUES(9,1,3,5.70000000000000062172e-01);
INSERT INTO "dgsearch_score_values" VALUES(9,2,1,4.70000000000000084376e-01);
INSERT INTO "dgsearch_score_values" VALUES(9,2,2,4.70000000000000084376e-01);
INSERT INTO "dgsearch_score_values" VALUES(9,2,3,4.70000000000000084376e-01);
INSERT INTO "dgsearch_score_values" VALUES(9,3,1,0.67);
INSERT INTO "dgsearch_score_values" VALUES(9,3,2,0.67);
INSERT INTO "dgsearch_score_values" VALUES(9,3,3,0.67);
CREATE TABLE dgsearch_series (
	series_id INTEGER NOT NULL, 
	split VARCHAR(32) NOT NULL, 
	domain VARCHAR(200) NOT NULL, 
	metric VARCHAR(200) NOT NULL, 
	PRIMARY KEY (series_id), 
	UNIQUE (split, domain, metric)
);
INSERT INTO "dgsearch_series" VALUES(1,'validation','scan','accuracy');
INSERT INTO "dgsearch_series" VALUES(2,'test','photo','accuracy');
INSERT INTO "dgsearch_series" VALUES(3,'test','street','accuracy');
CREATE TABLE dgsearch_studies (
	study_id INTEGER NOT NULL, 
	method VARCHAR(200) NOT NULL, 
	spec_json TEXT NOT NULL, 
	facts_json TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "dgsearch_studies" VALUES(1,'mpbm','{"name":"old","question":"Does it matter?","method":"mpbm","baselines":["erm"],"seeds":[0,1],"selection":"last","data":{"benchmark":"digits-mini","source":["scan"],"targets":["photo","street"],"validation":0.2,"student_images":100,"student_validation":100,"redraw":false,"root":null,"image_size":null},"hyperparameters":{},"design":{"kind":"one-at-a-time","vary":{"lambda_adv":[0.0,1.0]}},"halving":null,"resources":{"cpus":1.0,"gpus":"auto","concurrent":null},"retries":{"out_of_memory":1,"lost_worker":2,"interrupted":20}}','{"study_file": "name = \"old\"", "planned": 8, "spaces": {"mpbm": [{"name": "lambda_adv", "symbol": "\u03bb_adv", "meaning": "weight", "origin": "choice", "low": 0.0, "high": 10.0, "open_low": false, "log": false, "kind": "float", "default": 0.5}, {"name": "lambda_mix", "symbol": "\u03bb_mix", "meaning": "weight", "origin": "choice", "low": 0.0, "high": 10.0, "open_low": false, "log": false, "kind": "float", "default": 0.5}, {"name": "T", "symbol": "T", "meaning": "steps", "origin": "choice", "low": 0.0, "high": 100.0, "open_low": false, "log": false, "kind": "int", "default": 5}, {"name": "N_b", "symbol": "N_b", "meaning": "instances", "origin": "choice", "low": 1.0, "high": 100.0, "open_low": false, "log": false, "kind": "int", "default": 5}, {"name": "attention", "symbol": "", "meaning": "a", "origin": "choice", "kind": "choice", "default": "feature", "options": ["feature", "plain"], "other": ""}, {"name": "adversarial_alignment", "symbol": "", "meaning": "L_adv", "origin": "choice", "kind": "choice", "default": "on", "options": ["on", "off"], "other": ""}, {"name": "epochs", "symbol": "", "meaning": "epochs of the last stage", "origin": "choice", "low": 1.0, "high": Infinity, "open_low": false, "log": false, "kind": "int", "default": 3}, {"name": "lr", "symbol": "", "meaning": "rate", "origin": "choice", "low": 0.0, "high": Infinity, "open_low": true, "log": true, "kind": "float", "default": 0.001}], "erm": [{"name": "epochs", "symbol": "", "meaning": "epochs of the last stage", "origin": "choice", "low": 1.0, "high": Infinity, "open_low": false, "log": false, "kind": "int", "default": 3}, {"name": "lr", "symbol": "", "meaning": "rate", "origin": "choice", "low": 0.0, "high": Infinity, "open_low": true, "log": true, "kind": "float", "default": 0.001}]}, "summaries": {"mpbm": "what mpbm does", "erm": "what erm does"}, "versions": {"dgsearch": "0.1.0"}, "python": "3.11", "git_revision": "abc", "machine": {"system": "Linux", "processor": "a chip", "cores": 2, "gpus": []}, "labels": ["0", "1"], "images": {"source/train": 8}, "data_fingerprint": "00ff"}',1.79577918596277451516e+09);
CREATE TABLE dgsearch_trial_facts (
	trial_id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	seed INTEGER NOT NULL, 
	config_id VARCHAR(32) NOT NULL, 
	driver_id VARCHAR(32), 
	attempt INTEGER NOT NULL, 
	continues INTEGER, 
	stop_reason VARCHAR(32), 
	epochs INTEGER, 
	selected_epoch INTEGER, 
	wall_s DOUBLE, 
	train_s DOUBLE, 
	evaluation_s DOUBLE, 
	saved_s DOUBLE, 
	device VARCHAR(200), 
	host VARCHAR(200), 
	peak_memory_mb DOUBLE, 
	warnings TEXT, 
	stages_json TEXT, 
	rung INTEGER, 
	cutoff DOUBLE, 
	error_type VARCHAR(200), 
	error TEXT, 
	PRIMARY KEY (trial_id)
);
INSERT INTO "dgsearch_trial_facts" VALUES(1,1,0,'e51256f5c2ef','e2efde14a48a',1,NULL,'finished',3,3,6.0,4.5,NULL,1.0,'cpu',NULL,64.0,NULL,'[{"stage": "pretrain", "key": "k", "taken": true, "seconds": 0.0, "saved_s": 1.0}]',NULL,NULL,NULL,NULL);
INSERT INTO "dgsearch_trial_facts" VALUES(2,1,1,'e51256f5c2ef','e2efde14a48a',1,NULL,'finished',3,3,6.0,4.5,NULL,1.0,'cpu',NULL,64.0,NULL,'[{"stage": "pretrain", "key": "k", "taken": true, "seconds": 0.0, "saved_s": 1.0}]',NULL,NULL,NULL,NULL);
INSERT INTO "dgsearch_trial_facts" VALUES(3,1,0,'770519d1b7bf','e2efde14a48a',1,NULL,'finished',3,3,6.0,4.5,NULL,1.0,'cpu',NULL,64.0,NULL,'[{"stage": "pretrain", "key": "k", "taken": true, "seconds": 0.0, "saved_s": 1.0}]',NULL,NULL,NULL,NULL);
INSERT INTO "dgsearch_trial_facts" VALUES(4,1,1,'770519d1b7bf','e2efde14a48a',1,NULL,'failed',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'ValueError','loss is nan');
INSERT INTO "dgsearch_trial_facts" VALUES(5,1,0,'211d0d752617','e2efde14a48a',1,NULL,'interrupted',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'WorkerDied','died');
INSERT INTO "dgsearch_trial_facts" VALUES(6,1,0,'211d0d752617','e2efde14a48a',1,NULL,'finished',3,3,6.0,4.5,NULL,1.0,'cpu',NULL,64.0,NULL,'[{"stage": "pretrain", "key": "k", "taken": true, "seconds": 0.0, "saved_s": 1.0}]',NULL,NULL,NULL,NULL);
INSERT INTO "dgsearch_trial_facts" VALUES(7,1,1,'211d0d752617','e2efde14a48a',1,NULL,'finished',3,3,6.0,4.5,NULL,1.0,'cpu',NULL,64.0,NULL,'[{"stage": "pretrain", "key": "k", "taken": true, "seconds": 0.0, "saved_s": 1.0}]',NULL,NULL,NULL,NULL);
INSERT INTO "dgsearch_trial_facts" VALUES(8,1,0,'ce06cf2ee7c9','e2efde14a48a',1,NULL,'finished',3,3,6.0,4.5,NULL,1.0,'cpu',NULL,64.0,NULL,'[{"stage": "pretrain", "key": "k", "taken": true, "seconds": 0.0, "saved_s": 1.0}]',NULL,NULL,NULL,NULL);
INSERT INTO "dgsearch_trial_facts" VALUES(9,1,1,'ce06cf2ee7c9','e2efde14a48a',1,NULL,'finished',3,3,6.0,4.5,NULL,1.0,'cpu',NULL,64.0,NULL,'[{"stage": "pretrain", "key": "k", "taken": true, "seconds": 0.0, "saved_s": 1.0}]',NULL,NULL,NULL,NULL);
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO "studies" VALUES(1,'old');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "study_directions" VALUES(1,'MAXIMIZE',1,0);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_intermediate_values (
	trial_intermediate_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	step INTEGER NOT NULL, 
	intermediate_value FLOAT, 
	intermediate_value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_intermediate_value_id), 
	UNIQUE (trial_id, step), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_intermediate_values" VALUES(1,1,1,0.5,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(2,1,2,0.5,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(3,1,3,0.5,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(4,2,1,0.51,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(5,2,2,0.51,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(6,2,3,0.51,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(7,3,1,0.52,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(8,3,2,0.52,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(9,3,3,0.52,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(10,6,1,0.6,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(11,6,2,0.6,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(12,6,3,0.6,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(13,7,1,0.55,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(14,7,2,0.55,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(15,7,3,0.55,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(16,8,1,0.56,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(17,8,2,0.56,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(18,8,3,0.56,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(19,9,1,5.70000000000000062172e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(20,9,2,5.70000000000000062172e-01,'FINITE');
INSERT INTO "trial_intermediate_values" VALUES(21,9,3,5.70000000000000062172e-01,'FINITE');
CREATE TABLE trial_params (
	param_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	param_name VARCHAR(512), 
	param_value FLOAT, 
	distribution_json TEXT, 
	PRIMARY KEY (param_id), 
	UNIQUE (trial_id, param_name), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_params" VALUES(1,1,'lambda_adv',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(2,2,'lambda_adv',0.5,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(3,5,'lambda_adv',0.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(4,6,'lambda_adv',0.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(5,7,'lambda_adv',0.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(6,8,'lambda_adv',1.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 10.0, "log": false}}');
INSERT INTO "trial_params" VALUES(7,9,'lambda_adv',1.0,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0, "high": 10.0, "log": false}}');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_user_attributes" VALUES(1,1,'seed','0');
INSERT INTO "trial_user_attributes" VALUES(2,1,'config_id','"e51256f5c2ef"');
INSERT INTO "trial_user_attributes" VALUES(3,2,'seed','1');
INSERT INTO "trial_user_attributes" VALUES(4,2,'config_id','"e51256f5c2ef"');
INSERT INTO "trial_user_attributes" VALUES(5,3,'seed','0');
INSERT INTO "trial_user_attributes" VALUES(6,3,'config_id','"770519d1b7bf"');
INSERT INTO "trial_user_attributes" VALUES(7,4,'seed','1');
INSERT INTO "trial_user_attributes" VALUES(8,4,'config_id','"770519d1b7bf"');
INSERT INTO "trial_user_attributes" VALUES(9,5,'seed','0');
INSERT INTO "trial_user_attributes" VALUES(10,5,'config_id','"211d0d752617"');
INSERT INTO "trial_user_attributes" VALUES(11,6,'seed','0');
INSERT INTO "trial_user_attributes" VALUES(12,6,'config_id','"211d0d752617"');
INSERT INTO "trial_user_attributes" VALUES(13,7,'seed','1');
INSERT INTO "trial_user_attributes" VALUES(14,7,'config_id','"211d0d752617"');
INSERT INTO "trial_user_attributes" VALUES(15,8,'seed','0');
INSERT INTO "trial_user_attributes" VALUES(16,8,'config_id','"ce06cf2ee7c9"');
INSERT INTO "trial_user_attributes" VALUES(17,9,'seed','1');
INSERT INTO "trial_user_attributes" VALUES(18,9,'config_id','"ce06cf2ee7c9"');
CREATE TABLE trial_values (
	trial_value_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	value FLOAT, 
	value_type VARCHAR(7) NOT NULL, 
	PRIMARY KEY (trial_value_id), 
	UNIQUE (trial_id, objective), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO "trial_values" VALUES(1,1,0,0.5,'FINITE');
INSERT INTO "trial_values" VALUES(2,2,0,0.51,'FINITE');
INSERT INTO "trial_values" VALUES(3,3,0,0.52,'FINITE');
INSERT INTO "trial_values" VALUES(4,6,0,0.6,'FINITE');
INSERT INTO "trial_values" VALUES(5,7,0,0.55,'FINITE');
INSERT INTO "trial_values" VALUES(6,8,0,0.56,'FINITE');
INSERT INTO "trial_values" VALUES(7,9,0,5.70000000000000062172e-01,'FINITE');
CREATE TABLE trials (
	trial_id INTEGER NOT NULL, 
	number INTEGER, 
	study_id INTEGER, 
	state VARCHAR(8) NOT NULL, 
	datetime_start DATETIME, 
	datetime_complete DATETIME, 
	PRIMARY KEY (trial_id), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO "trials" VALUES(1,0,1,'COMPLETE','2026-11-27 11:33:05.965976','2026-11-27 11:33:05.978922');
INSERT INTO "trials" VALUES(2,1,1,'COMPLETE','2026-11-27 11:33:05.982340','2026-11-27 11:33:05.986831');
INSERT INTO "trials" VALUES(3,2,1,'COMPLETE','2026-11-27 11:33:05.987906','2026-11-27 11:33:05.991995');
INSERT INTO "trials" VALUES(4,3,1,'FAIL','2026-11-27 11:33:05.993021','2026-11-27 11:33:05.994555');
INSERT INTO "trials" VALUES(5,4,1,'FAIL','2026-11-27 11:33:05.995374','2026-11-27 11:33:05.997111');
INSERT INTO "trials" VALUES(6,5,1,'COMPLETE','2026-11-27 11:33:05.997985','2026-11-27 11:33:06.001786');
INSERT INTO "trials" VALUES(7,6,1,'COMPLETE','2026-11-27 11:33:06.002748','2026-11-27 11:33:06.006068');
INSERT INTO "trials" VALUES(8,7,1,'COMPLETE','2026-11-27 11:33:06.006917','2026-11-27 11:33:06.010280');
INSERT INTO "trials" VALUES(9,8,1,'COMPLETE','2026-11-27 11:33:06.011112','2026-11-27 11:33:06.014444');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO "version_info" VALUES(1,12,'5.0.0');
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
CREATE INDEX dgsearch_trial_facts_by_study ON dgsearch_trial_facts (study_id);
CREATE VIEW dgsearch_trials AS SELECT studies.study_name AS study, trials.number AS trial_number, CAST(trials.state AS VARCHAR(16)) AS state, dgsearch_trial_facts.stop_reason AS stop_reason, dgsearch_trial_facts.seed AS seed, dgsearch_trial_facts.config_id AS config_id, dgsearch_configurations.method AS method, dgsearch_configurations.role AS role, dgsearch_configurations.variant AS variant, dgsearch_configurations.values_json AS hyperparameters, trial_values.value AS value, dgsearch_trial_facts.epochs AS epochs, dgsearch_trial_facts.selected_epoch AS selected_epoch, trials.datetime_start AS started_at, trials.datetime_complete AS finished_at, dgsearch_trial_facts.wall_s AS wall_s, dgsearch_trial_facts.train_s AS train_s, dgsearch_trial_facts.saved_s AS saved_s, dgsearch_trial_facts.device AS device, dgsearch_trial_facts.host AS host, dgsearch_trial_facts.peak_memory_mb AS peak_memory_mb, dgsearch_trial_facts.attempt AS attempt, dgsearch_trial_facts.rung AS rung, dgsearch_trial_facts.cutoff AS cutoff, dgsearch_trial_facts.warnings AS warnings, dgsearch_trial_facts.error_type AS error_type, dgsearch_trial_facts.error AS error 
FROM trials JOIN studies ON studies.study_id = trials.study_id LEFT OUTER JOIN dgsearch_trial_facts ON dgsearch_trial_facts.trial_id = trials.trial_id LEFT OUTER JOIN dgsearch_configurations ON dgsearch_configurations.study_id = dgsearch_trial_facts.study_id AND dgsearch_configurations.config_id = dgsearch_trial_facts.config_id LEFT OUTER JOIN trial_values ON trial_values.trial_id = trials.trial_id AND trial_values.objective = 0;
CREATE VIEW dgsearch_scores AS SELECT studies.study_name AS study, trials.number AS trial_number, dgsearch_score_values.epoch AS epoch, CASE WHEN (dgsearch_score_values.epoch = dgsearch_trial_facts.selected_epoch) THEN 1 ELSE 0 END AS selected, dgsearch_series.split AS split, dgsearch_series.domain AS domain, dgsearch_series.metric AS metric, dgsearch_score_values.value AS value 
FROM dgsearch_score_values JOIN dgsearch_series ON dgsearch_series.series_id = dgsearch_score_values.series_id JOIN trials ON trials.trial_id = dgsearch_score_values.trial_id JOIN studies ON studies.study_id = trials.study_id JOIN dgsearch_trial_facts ON dgsearch_trial_facts.trial_id = trials.trial_id;
COMMIT;
