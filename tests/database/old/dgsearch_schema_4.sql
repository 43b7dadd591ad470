PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE studies (
	study_id INTEGER NOT NULL, 
	study_name VARCHAR(512) NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO studies VALUES(1,'switched');
INSERT INTO studies VALUES(2,'varied');
INSERT INTO studies VALUES(3,'searched');
CREATE TABLE version_info (
	version_info_id INTEGER NOT NULL, 
	schema_version INTEGER, 
	library_version VARCHAR(256), 
	PRIMARY KEY (version_info_id), 
	CHECK (version_info_id=1)
);
INSERT INTO version_info VALUES(1,12,'5.0.0');
CREATE TABLE study_directions (
	study_direction_id INTEGER NOT NULL, 
	direction VARCHAR(8) NOT NULL, 
	study_id INTEGER NOT NULL, 
	objective INTEGER NOT NULL, 
	PRIMARY KEY (study_direction_id), 
	UNIQUE (study_id, objective), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
INSERT INTO study_directions VALUES(1,'MAXIMIZE',1,0);
INSERT INTO study_directions VALUES(2,'MAXIMIZE',2,0);
INSERT INTO study_directions VALUES(3,'MAXIMIZE',3,0);
CREATE TABLE study_user_attributes (
	study_user_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_user_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
CREATE TABLE study_system_attributes (
	study_system_attribute_id INTEGER NOT NULL, 
	study_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (study_system_attribute_id), 
	UNIQUE (study_id, "key"), 
	FOREIGN KEY(study_id) REFERENCES studies (study_id)
);
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
INSERT INTO trials VALUES(1,0,1,'COMPLETE','2026-11-29 17:25:01.559504','2026-11-29 17:25:04.867135');
INSERT INTO trials VALUES(2,1,1,'COMPLETE','2026-11-29 17:25:01.839133','2026-11-29 17:25:04.798470');
INSERT INTO trials VALUES(3,2,1,'COMPLETE','2026-11-29 17:25:04.807141','2026-11-29 17:25:05.292150');
INSERT INTO trials VALUES(4,3,1,'COMPLETE','2026-11-29 17:25:04.872827','2026-11-29 17:25:05.310790');
INSERT INTO trials VALUES(5,4,1,'COMPLETE','2026-11-29 17:25:05.297832','2026-11-29 17:25:06.084016');
INSERT INTO trials VALUES(6,5,1,'COMPLETE','2026-11-29 17:25:05.315548','2026-11-29 17:25:06.146729');
INSERT INTO trials VALUES(7,0,2,'COMPLETE','2026-11-29 17:25:21.083720','2026-11-29 17:25:23.758063');
INSERT INTO trials VALUES(8,1,2,'COMPLETE','2026-11-29 17:25:21.125441','2026-11-29 17:25:24.077004');
INSERT INTO trials VALUES(9,0,3,'COMPLETE','2026-11-29 17:25:39.168889','2026-11-29 17:25:42.290843');
INSERT INTO trials VALUES(10,1,3,'COMPLETE','2026-11-29 17:25:39.110281','2026-11-29 17:25:42.440801');
CREATE TABLE trial_user_attributes (
	trial_user_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_user_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
INSERT INTO trial_user_attributes VALUES(1,1,'seed','0');
INSERT INTO trial_user_attributes VALUES(2,1,'config_id','"df0b1c46824e"');
INSERT INTO trial_user_attributes VALUES(3,2,'seed','1');
INSERT INTO trial_user_attributes VALUES(4,2,'config_id','"df0b1c46824e"');
INSERT INTO trial_user_attributes VALUES(5,3,'seed','0');
INSERT INTO trial_user_attributes VALUES(6,3,'config_id','"cdd74cd16719"');
INSERT INTO trial_user_attributes VALUES(7,4,'seed','1');
INSERT INTO trial_user_attributes VALUES(8,4,'config_id','"cdd74cd16719"');
INSERT INTO trial_user_attributes VALUES(9,5,'seed','0');
INSERT INTO trial_user_attributes VALUES(10,5,'config_id','"9100cc8cb055"');
INSERT INTO trial_user_attributes VALUES(11,6,'seed','1');
INSERT INTO trial_user_attributes VALUES(12,6,'config_id','"9100cc8cb055"');
INSERT INTO trial_user_attributes VALUES(13,7,'seed','0');
INSERT INTO trial_user_attributes VALUES(14,7,'config_id','"5e51d96a36ec"');
INSERT INTO trial_user_attributes VALUES(15,8,'seed','0');
INSERT INTO trial_user_attributes VALUES(16,8,'config_id','"d90582a54b52"');
INSERT INTO trial_user_attributes VALUES(17,9,'seed','0');
INSERT INTO trial_user_attributes VALUES(18,9,'config_id','"72ad082adaec"');
INSERT INTO trial_user_attributes VALUES(19,10,'seed','0');
INSERT INTO trial_user_attributes VALUES(20,10,'config_id','"72ad082adaec"');
CREATE TABLE trial_system_attributes (
	trial_system_attribute_id INTEGER NOT NULL, 
	trial_id INTEGER, 
	"key" VARCHAR(512), 
	value_json TEXT, 
	PRIMARY KEY (trial_system_attribute_id), 
	UNIQUE (trial_id, "key"), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
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
INSERT INTO trial_params VALUES(1,1,'lr',0.00010000000000000000479,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 0.01, "log": true}}');
INSERT INTO trial_params VALUES(2,2,'lr',0.00010000000000000000479,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 0.01, "log": true}}');
INSERT INTO trial_params VALUES(3,3,'lr',0.0010000000000000000208,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 0.01, "log": true}}');
INSERT INTO trial_params VALUES(4,4,'lr',0.0010000000000000000208,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 0.01, "log": true}}');
INSERT INTO trial_params VALUES(5,5,'lr',0.010000000000000000208,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 0.01, "log": true}}');
INSERT INTO trial_params VALUES(6,6,'lr',0.010000000000000000208,'{"name": "FloatDistribution", "attributes": {"step": null, "low": 0.0001, "high": 0.01, "log": true}}');
INSERT INTO trial_params VALUES(7,7,'memory_format',0.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["channels_last", "contiguous"]}}');
INSERT INTO trial_params VALUES(8,8,'memory_format',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": ["channels_last", "contiguous"]}}');
INSERT INTO trial_params VALUES(9,9,'lr',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [0.001, 0.01, 0.003]}}');
INSERT INTO trial_params VALUES(10,10,'lr',1.0,'{"name": "CategoricalDistribution", "attributes": {"choices": [0.001, 0.01, 0.003]}}');
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
INSERT INTO trial_values VALUES(1,2,0,0.66945606694560666483,'FINITE');
INSERT INTO trial_values VALUES(2,1,0,0.51464435146443510138,'FINITE');
INSERT INTO trial_values VALUES(3,3,0,0.92468619246861927241,'FINITE');
INSERT INTO trial_values VALUES(4,4,0,0.91631799163179916689,'FINITE');
INSERT INTO trial_values VALUES(5,5,0,0.94142259414225937241,'FINITE');
INSERT INTO trial_values VALUES(6,6,0,0.93723849372384937517,'FINITE');
INSERT INTO trial_values VALUES(7,7,0,0.51882845188284520965,'FINITE');
INSERT INTO trial_values VALUES(8,8,0,0.51882845188284520965,'FINITE');
INSERT INTO trial_values VALUES(9,9,0,0.94142259414225937241,'FINITE');
INSERT INTO trial_values VALUES(10,10,0,0.94142259414225937241,'FINITE');
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
INSERT INTO trial_intermediate_values VALUES(1,2,1,0.66945606694560666483,'FINITE');
INSERT INTO trial_intermediate_values VALUES(2,1,1,0.51464435146443510138,'FINITE');
INSERT INTO trial_intermediate_values VALUES(3,3,1,0.92468619246861927241,'FINITE');
INSERT INTO trial_intermediate_values VALUES(4,4,1,0.91631799163179916689,'FINITE');
INSERT INTO trial_intermediate_values VALUES(5,5,1,0.94142259414225937241,'FINITE');
INSERT INTO trial_intermediate_values VALUES(6,6,1,0.93723849372384937517,'FINITE');
INSERT INTO trial_intermediate_values VALUES(7,7,1,0.51882845188284520965,'FINITE');
INSERT INTO trial_intermediate_values VALUES(8,8,1,0.51882845188284520965,'FINITE');
INSERT INTO trial_intermediate_values VALUES(9,9,1,0.94142259414225937241,'FINITE');
INSERT INTO trial_intermediate_values VALUES(10,10,1,0.94142259414225937241,'FINITE');
CREATE TABLE trial_heartbeats (
	trial_heartbeat_id INTEGER NOT NULL, 
	trial_id INTEGER NOT NULL, 
	heartbeat DATETIME NOT NULL, 
	PRIMARY KEY (trial_heartbeat_id), 
	UNIQUE (trial_id), 
	FOREIGN KEY(trial_id) REFERENCES trials (trial_id)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES('v3.2.0.a');
CREATE TABLE dgsearch_info (
	info_id INTEGER NOT NULL, 
	schema_version INTEGER NOT NULL, 
	PRIMARY KEY (info_id)
);
INSERT INTO dgsearch_info VALUES(1,4);
CREATE TABLE dgsearch_studies (
	study_id INTEGER NOT NULL, 
	method VARCHAR(200) NOT NULL, 
	spec_json TEXT NOT NULL, 
	facts_json TEXT NOT NULL, 
	created_at DOUBLE NOT NULL, 
	PRIMARY KEY (study_id)
);
INSERT INTO dgsearch_studies VALUES(1,'erm','{"name":"switched","question":"","method":"erm","baselines":[],"seeds":[0,1],"selection":"last","data":{"benchmark":"digits-mini","source":["scan"],"targets":["photo"],"validation":0.2,"student_images":100,"student_validation":100,"redraw":false,"root":null,"image_size":null},"hyperparameters":{"epochs":1,"pretrain_epochs":1,"precision":"bf16","sample":"on"},"design":{"kind":"one-at-a-time","vary":{"lr":[0.001,0.01]}},"teacher":null,"augmentation":null,"metrics":null,"halving":null,"resources":{"cpus":1.0,"gpus":"auto","concurrent":null,"trial_timeout_s":null,"report_timeout_s":null},"retries":{"out_of_memory":1,"lost_worker":2,"interrupted":20,"timed_out":0}}','{"study_file": "name = \"switched\"\nmethod = \"erm\"\nseeds = [0, 1]\n[data]\nbenchmark = \"digits-mini\"\nsource = [\"scan\"]\ntargets = [\"photo\"]\n[hyperparameters]\nepochs = 1\npretrain_epochs = 1\nprecision = \"bf16\"\nsample = \"on\"\n[design]\nkind = \"one-at-a-time\"\n[design.vary]\nlr = [1e-3, 1e-2]\n", "planned": 6, "spaces": {"erm": [{"name": "epochs", "symbol": "", "meaning": "epochs of the last stage", "origin": "choice", "low": 1.0, "high": Infinity, "open_low": false, "log": false, "kind": "int", "default": 20}, {"name": "batch_size", "symbol": "", "meaning": "images a step", "origin": "choice", "low": 1.0, "high": Infinity, "open_low": false, "log": true, "kind": "int", "default": 32}, {"name": "lr", "symbol": "lr", "meaning": "learning rate of the classifier", "origin": "choice", "low": 0.0, "high": Infinity, "open_low": true, "log": true, "kind": "float", "default": 0.0001}, {"name": "weight_decay", "symbol": "", "meaning": "L2 penalty of the classifier", "origin": "choice", "low": 0.0, "high": Infinity, "open_low": false, "log": false, "kind": "float", "default": 0.0}, {"name": "optimiser", "symbol": "", "meaning": "of the classifier", "origin": "choice", "kind": "choice", "default": "adam", "options": ["adam", "sgd"], "other": ""}, {"name": "momentum", "symbol": "", "meaning": "of sgd; adam ignores it", "origin": "choice", "low": 0.0, "high": 1.0, "open_low": false, "log": false, "kind": "float", "default": 0.9}, {"name": "lr_schedule", "symbol": "", "meaning": "of the classifier; cosine: to zero over the epochs of each stage", "origin": "choice", "kind": "choice", "default": "constant", "options": ["constant", "cosine"], "other": ""}, {"name": "sample", "symbol": "", "meaning": "store with the trial a small sample of what the method makes", "origin": "choice", "kind": "choice", "default": "off", "options": ["on", "off"], "other": ""}, {"name": "augment", "symbol": "", "meaning": "views of the classifier''s images; crop_flip: shifted by up to an eighth too", "origin": "choice", "kind": "choice", "default": "none", "options": ["none", "flip", "crop_flip"], "other": "what the section [[augmentation]] says"}, {"name": "precision", "symbol": "", "meaning": "of the extractor''s activations; bf16: autocast, weights stay float32", "origin": "choice", "kind": "choice", "default": "float32", "options": ["float32", "bf16"], "other": ""}, {"name": "memory_format", "symbol": "", "meaning": "memory order of images and convolutions", "origin": "choice", "kind": "choice", "default": "channels_last", "options": ["channels_last", "contiguous"], "other": ""}, {"name": "tf32", "symbol": "", "meaning": "let CUDA shorten the factors of float32 products to 10 bits", "origin": "choice", "kind": "choice", "default": "off", "options": ["off", "on"], "other": ""}, {"name": "compile", "symbol": "", "meaning": "torch.compile of the extractor that is trained; needs a C++ compiler", "origin": "choice", "kind": "choice", "default": "off", "options": ["off", "on"], "other": ""}, {"name": "network", "symbol": "", "meaning": "the classifier", "origin": "choice", "kind": "choice", "default": "convnet-small", "options": ["convnet-small", "convnet-digits", "convnet-teacher", "convnet-student", "resnet18", "resnet34", "resnet50", "alexnet", "mobilenet_v3_small"], "other": "another name that `dgsearch networks` lists, or package.module:function"}, {"name": "weights", "symbol": "", "meaning": "initial weights of the classifier''s extractor; nothing is downloaded", "origin": "choice", "kind": "choice", "default": "none", "options": ["none", "imagenet"], "other": "the path of a file"}, {"name": "pretrain_epochs", "symbol": "", "meaning": "epochs of plain training before the method starts", "origin": "choice", "low": 1.0, "high": Infinity, "open_low": false, "log": false, "kind": "int", "default": 10}]}, "stages": {"erm": {"erm": 1, "pretrain": 1}}, "summaries": {"erm": "plain training on the source (Vapnik 1998), the baseline of every comparison"}, "versions": {"dgsearch": "0.2.0", "torch": "2.14.1", "torchvision": "0.29.2", "ray": "2.60.0", "optuna": "5.0.0", "numpy": "2.4.6", "pandas": "3.1.1", "scikit-learn": "1.9.1"}, "python": "3.11.7", "git_revision": null, "machine": {"system": "Linux x86_64", "processor": "AMD EPYC", "cores": 2, "gpus": []}, "labels": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], "metrics": {"accuracy": {"label": "accuracy", "higher_is_better": true, "share": true, "unit": ""}}, "images": {"source/train": 958, "source/validation": 239, "target/test/photo": 600}, "data_fingerprint": "2dfa703f2be0fef5"}',1795973090.7707848548);
INSERT INTO dgsearch_studies VALUES(2,'erm','{"name":"varied","question":"","method":"erm","baselines":[],"seeds":[0],"selection":"last","data":{"benchmark":"digits-mini","source":["scan"],"targets":["photo"],"validation":0.2,"student_images":100,"student_validation":100,"redraw":false,"root":null,"image_size":null},"hyperparameters":{"epochs":1,"pretrain_epochs":1},"design":{"kind":"grid","vary":{"memory_format":["channels_last","contiguous"]}},"teacher":null,"augmentation":null,"metrics":null,"halving":null,"resources":{"cpus":1.0,"gpus":"auto","concurrent":null,"trial_timeout_s":null,"report_timeout_s":null},"retries":{"out_of_memory":1,"lost_worker":2,"interrupted":20,"timed_out":0}}','{"study_file": "name = \"varied\"\nmethod = \"erm\"\nseeds = [0]\n[data]\nbenchmark = \"digits-mini\"\nsource = [\"scan\"]\ntargets = [\"photo\"]\n[hyperparameters]\nepochs = 1\npretrain_epochs = 1\n[design]\nkind = \"grid\"\n[design.vary]\nmemory_format = [\"channels_last\", \"contiguous\"]\n", "planned": 2, "spaces": {"erm": [{"name": "epochs", "symbol": "", "meaning": "epochs of the last stage", "origin": "choice", "low": 1.0, "high": Infinity, "open_low": false, "log": false, "kind": "int", "default": 20}, {"name": "batch_size", "symbol": "", "meaning": "images a step", "origin": "choice", "low": 1.0, "high": Infinity, "open_low": false, "log": true, "kind": "int", "default": 32}, {"name": "lr", "symbol": "lr", "meaning": "learning rate of the classifier", "origin": "choice", "low": 0.0, "high": Infinity, "open_low": true, "log": true, "kind": "float", "default": 0.0001}, {"name": "weight_decay", "symbol": "", "meaning": "L2 penalty of the classifier", "origin": "choice", "low": 0.0, "high": Infinity, "open_low": false, "log": false, "kind": "float", "default": 0.0}, {"name": "optimiser", "symbol": "", "meaning": "of the classifier", "origin": "choice", "kind": "choice", "default": "adam", "options": ["adam", "sgd"], "other": ""}, {"name": "momentum", "symbol": "", "meaning": "of sgd; adam ignores it", "origin": "choice", "low": 0.0, "high": 1.0, "open_low": false, "log": false, "kind": "float", "default": 0.9}, {"name": "lr_schedule", "symbol": "", "meaning": "of the classifier; cosine: to zero over the epochs of each stage", "origin": "choice", "kind": "choice", "default": "constant", "options": ["constant", "cosine"], "other": ""}, {"name": "sample", "symbol": "", "meaning": "store with the trial a small sample of what the method makes", "origin": "choice", "kind": "choice", "default": "off", "options": ["on", "off"], "other": ""}, {"name": "augment", "symbol": "", "meaning": "views of the classifier''s images; crop_flip: shifted by up to an eighth too", "origin": "choice", "kind": "choice", "default": "none", "options": ["none", "flip", "crop_flip"], "other": "what the section [[augmentation]] says"}, {"name": "precision", "symbol": "", "meaning": "of the extractor''s activations; bf16: autocast, weights stay float32", "origin": "choice", "kind": "choice", "default": "float32", "options": ["float32", "bf16"], "other": ""}, {"name": "memory_format", "symbol": "", "meaning": "memory order of images and convolutions", "origin": "choice", "kind": "choice", "default": "channels_last", "options": ["channels_last", "contiguous"], "other": ""}, {"name": "tf32", "symbol": "", "meaning": "let CUDA shorten the factors of float32 products to 10 bits", "origin": "choice", "kind": "choice", "default": "off", "options": ["off", "on"], "other": ""}, {"name": "compile", "symbol": "", "meaning": "torch.compile of the extractor that is trained; needs a C++ compiler", "origin": "choice", "kind": "choice", "default": "off", "options": ["off", "on"], "other": ""}, {"name": "network", "symbol": "", "meaning": "the classifier", "origin": "choice", "kind": "choice", "default": "convnet-small", "options": ["convnet-small", "convnet-digits", "convnet-teacher", "convnet-student", "resnet18", "resnet34", "resnet50", "alexnet", "mobilenet_v3_small"], "other": "another name that `dgsearch networks` lists, or package.module:function"}, {"name": "weights", "symbol": "", "meaning": "initial weights of the classifier''s extractor; nothing is downloaded", "origin": "choice", "kind": "choice", "default": "none", "options": ["none", "imagenet"], "other": "the path of a file"}, {"name": "pretrain_epochs", "symbol": "", "meaning": "epochs of plain training before the method starts", "origin": "choice", "low": 1.0, "high": Infinity, "open_low": false, "log": false, "kind": "int", "default": 10}]}, "stages": {"erm": {"erm": 1, "pretrain": 1}}, "summaries": {"erm": "plain training on the source (Vapnik 1998), the baseline of every comparison"}, "versions": {"dgsearch": "0.2.0", "torch": "2.14.1", "torchvision": "0.29.2", "ray": "2.60.0", "optuna": "5.0.0", "numpy": "2.4.6", "pandas": "3.1.1", "scikit-learn": "1.9.1"}, "python": "3.11.7", "git_revision": null, "machine": {"system": "Linux x86_64", "processor": "AMD EPYC", "cores": 2, "gpus": []}, "labels": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], "metrics": {"accuracy": {"label": "accuracy", "higher_is_better": true, "share": true, "unit": ""}}, "images": {"source/train": 958, "source/validation": 239, "target/test/photo": 600}, "data_fingerprint": "2dfa703f2be0fef5"}',1795973111.1014578342);
INSERT INTO dgsearch_studies VALUES(3,'erm','{"name":"searched","question":"","method":"erm","baselines":[],"seeds":[0],"selection":"last","data":{"benchmark":"digits-mini","source":["scan"],"targets":["photo"],"validation":0.2,"student_images":100,"student_validation":100,"redraw":false,"root":null,"image_size":null},"hyperparameters":{"epochs":1,"pretrain_epochs":1,"precision":"bf16"},"design":{"kind":"search","vary":{"lr":[0.001,0.01,0.003]},"trials":2,"sampler":"tpe","confirm":0},"teacher":null,"augmentation":null,"metrics":null,"halving":null,"resources":{"cpus":1.0,"gpus":"auto","concurrent":null,"trial_timeout_s":null,"report_timeout_s":null},"retries":{"out_of_memory":1,"lost_worker":2,"interrupted":20,"timed_out":0}}','{"study_file": "name = \"searched\"\nmethod = \"erm\"\nseeds = [0]\n[data]\nbenchmark = \"digits-mini\"\nsource = [\"scan\"]\ntargets = [\"photo\"]\n[hyperparameters]\nepochs = 1\npretrain_epochs = 1\nprecision = \"bf16\"\n[design]\nkind = \"search\"\ntrials = 2\nconfirm = 0\n[design.vary]\nlr = [1e-3, 1e-2, 3e-3]\n", "planned": 2, "spaces": {"erm": [{"name": "epochs", "symbol": "", "meaning": "epochs of the last stage", "origin": "choice", "low": 1.0, "high": Infinity, "open_low": false, "log": false, "kind": "int", "default": 20}, {"name": "batch_size", "symbol": "", "meaning": "images a step", "origin": "choice", "low": 1.0, "high": Infinity, "open_low": false, "log": true, "kind": "int", "default": 32}, {"name": "lr", "symbol": "lr", "meaning": "learning rate of the classifier", "origin": "choice", "low": 0.0, "high": Infinity, "open_low": true, "log": true, "kind": "float", "default": 0.0001}, {"name": "weight_decay", "symbol": "", "meaning": "L2 penalty of the classifier", "origin": "choice", "low": 0.0, "high": Infinity, "open_low": false, "log": false, "kind": "float", "default": 0.0}, {"name": "optimiser", "symbol": "", "meaning": "of the classifier", "origin": "choice", "kind": "choice", "default": "adam", "options": ["adam", "sgd"], "other": ""}, {"name": "momentum", "symbol": "", "meaning": "of sgd; adam ignores it", "origin": "choice", "low": 0.0, "high": 1.0, "open_low": false, "log": false, "kind": "float", "default": 0.9}, {"name": "lr_schedule", "symbol": "", "meaning": "of the classifier; cosine: to zero over the epochs of each stage", "origin": "choice", "kind": "choice", "default": "constant", "options": ["constant", "cosine"], "other": ""}, {"name": "sample", "symbol": "", "meaning": "store with the trial a small sample of what the method makes", "origin": "choice", "kind": "choice", "default": "off", "options": ["on", "off"], "other": ""}, {"name": "augment", "symbol": "", "meaning": "views of the classifier''s images; crop_flip: shifted by up to an eighth too", "origin": "choice", "kind": "choice", "default": "none", "options": ["none", "flip", "crop_flip"], "other": "what the section [[augmentation]] says"}, {"name": "precision", "symbol": "", "meaning": "of the extractor''s activations; bf16: autocast, weights stay float32", "origin": "choice", "kind": "choice", "default": "float32", "options": ["float32", "bf16"], "other": ""}, {"name": "memory_format", "symbol": "", "meaning": "memory order of images and convolutions", "origin": "choice", "kind": "choice", "default": "channels_last", "options": ["channels_last", "contiguous"], "other": ""}, {"name": "tf32", "symbol": "", "meaning": "let CUDA shorten the factors of float32 products to 10 bits", "origin": "choice", "kind": "choice", "default": "off", "options": ["off", "on"], "other": ""}, {"name": "compile", "symbol": "", "meaning": "torch.compile of the extractor that is trained; needs a C++ compiler", "origin": "choice", "kind": "choice", "default": "off", "options": ["off", "on"], "other": ""}, {"name": "network", "symbol": "", "meaning": "the classifier", "origin": "choice", "kind": "choice", "default": "convnet-small", "options": ["convnet-small", "convnet-digits", "convnet-teacher", "convnet-student", "resnet18", "resnet34", "resnet50", "alexnet", "mobilenet_v3_small"], "other": "another name that `dgsearch networks` lists, or package.module:function"}, {"name": "weights", "symbol": "", "meaning": "initial weights of the classifier''s extractor; nothing is downloaded", "origin": "choice", "kind": "choice", "default": "none", "options": ["none", "imagenet"], "other": "the path of a file"}, {"name": "pretrain_epochs", "symbol": "", "meaning": "epochs of plain training before the method starts", "origin": "choice", "low": 1.0, "high": Infinity, "open_low": false, "log": false, "kind": "int", "default": 10}]}, "stages": {"erm": {"erm": 1, "pretrain": 1}}, "summaries": {"erm": "plain training on the source (Vapnik 1998), the baseline of every comparison"}, "versions": {"dgsearch": "0.2.0", "torch": "2.14.1", "torchvision": "0.29.2", "ray": "2.60.0", "optuna": "5.0.0", "numpy": "2.4.6", "pandas": "3.1.1", "scikit-learn": "1.9.1"}, "python": "3.11.7", "git_revision": null, "machine": {"system": "Linux x86_64", "processor": "AMD EPYC", "cores": 2, "gpus": []}, "labels": ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], "metrics": {"accuracy": {"label": "accuracy", "higher_is_better": true, "share": true, "unit": ""}}, "images": {"source/train": 958, "source/validation": 239, "target/test/photo": 600}, "data_fingerprint": "2dfa703f2be0fef5"}',1795973129.7946810721);
CREATE TABLE dgsearch_configurations (
	study_id INTEGER NOT NULL, 
	config_id VARCHAR(32) NOT NULL, 
	method VARCHAR(200) NOT NULL, 
	role VARCHAR(32) NOT NULL, 
	variant VARCHAR(200) NOT NULL, 
	values_json TEXT NOT NULL, 
	PRIMARY KEY (study_id, config_id)
);
INSERT INTO dgsearch_configurations VALUES(1,'df0b1c46824e','erm','point','','{"epochs": 1, "batch_size": 32, "lr": 0.0001, "weight_decay": 0.0, "optimiser": "adam", "momentum": 0.9, "lr_schedule": "constant", "sample": "on", "augment": "none", "precision": "bf16", "memory_format": "channels_last", "tf32": "off", "compile": "off", "network": "convnet-small", "weights": "none", "pretrain_epochs": 1}');
INSERT INTO dgsearch_configurations VALUES(1,'cdd74cd16719','erm','point','','{"epochs": 1, "batch_size": 32, "lr": 0.001, "weight_decay": 0.0, "optimiser": "adam", "momentum": 0.9, "lr_schedule": "constant", "sample": "on", "augment": "none", "precision": "bf16", "memory_format": "channels_last", "tf32": "off", "compile": "off", "network": "convnet-small", "weights": "none", "pretrain_epochs": 1}');
INSERT INTO dgsearch_configurations VALUES(1,'9100cc8cb055','erm','point','','{"epochs": 1, "batch_size": 32, "lr": 0.01, "weight_decay": 0.0, "optimiser": "adam", "momentum": 0.9, "lr_schedule": "constant", "sample": "on", "augment": "none", "precision": "bf16", "memory_format": "channels_last", "tf32": "off", "compile": "off", "network": "convnet-small", "weights": "none", "pretrain_epochs": 1}');
INSERT INTO dgsearch_configurations VALUES(2,'5e51d96a36ec','erm','point','','{"epochs": 1, "batch_size": 32, "lr": 0.0001, "weight_decay": 0.0, "optimiser": "adam", "momentum": 0.9, "lr_schedule": "constant", "sample": "off", "augment": "none", "precision": "float32", "memory_format": "channels_last", "tf32": "off", "compile": "off", "network": "convnet-small", "weights": "none", "pretrain_epochs": 1}');
INSERT INTO dgsearch_configurations VALUES(2,'d90582a54b52','erm','point','','{"epochs": 1, "batch_size": 32, "lr": 0.0001, "weight_decay": 0.0, "optimiser": "adam", "momentum": 0.9, "lr_schedule": "constant", "sample": "off", "augment": "none", "precision": "float32", "memory_format": "contiguous", "tf32": "off", "compile": "off", "network": "convnet-small", "weights": "none", "pretrain_epochs": 1}');
INSERT INTO dgsearch_configurations VALUES(3,'72ad082adaec','erm','point','','{"epochs": 1, "batch_size": 32, "lr": 0.01, "weight_decay": 0.0, "optimiser": "adam", "momentum": 0.9, "lr_schedule": "constant", "sample": "off", "augment": "none", "precision": "bf16", "memory_format": "channels_last", "tf32": "off", "compile": "off", "network": "convnet-small", "weights": "none", "pretrain_epochs": 1}');
CREATE TABLE dgsearch_trial_facts (
	trial_id INTEGER NOT NULL, 
	study_id INTEGER NOT NULL, 
	seed BIGINT NOT NULL, 
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
	judged INTEGER, 
	proposed INTEGER, 
	provenance_id VARCHAR(32), 
	PRIMARY KEY (trial_id)
);
INSERT INTO dgsearch_trial_facts VALUES(1,1,0,'df0b1c46824e','a6b91dd0056e',1,NULL,'finished',1,1,3.331348953999963669,0.33062601599993968193,0.083050876999948286538,0.0,'cpu','vm',988.48358399999995075,NULL,'[{"stage": "pretrain", "key": "ee6ca30d025c92fdda6aa7f3", "taken": false, "seconds": 0.18343827899997223, "saved_s": 0.0}]',NULL,NULL,NULL,NULL,0,0,'40a7f2d20199');
INSERT INTO dgsearch_trial_facts VALUES(2,1,1,'df0b1c46824e','a6b91dd0056e',1,NULL,'finished',1,1,2.9665470720000257642,0.32263871099996777047,0.068645507999974597623,0.0,'cpu','vm',985.45663999999999309,NULL,'[{"stage": "pretrain", "key": "9b0255f46ea9b744b93d451c", "taken": false, "seconds": 0.17530134199995473, "saved_s": 0.0}]',NULL,NULL,NULL,NULL,0,0,'40a7f2d20199');
INSERT INTO dgsearch_trial_facts VALUES(3,1,0,'cdd74cd16719','a6b91dd0056e',1,NULL,'finished',1,1,0.48208044799997651352,0.32955392199994548718,0.080467112000008000904,0.0,'cpu','vm',1026.3265280000000529,NULL,'[{"stage": "pretrain", "key": "44547f9edf389578884b572f", "taken": false, "seconds": 0.15858779599994932, "saved_s": 0.0}]',NULL,NULL,NULL,NULL,0,0,'40a7f2d20199');
INSERT INTO dgsearch_trial_facts VALUES(4,1,1,'cdd74cd16719','a6b91dd0056e',1,NULL,'finished',1,1,0.43605426499999566658,0.30166450800004440679,0.081204835999983515648,0.0,'cpu','vm',1021.8209279999999807,NULL,'[{"stage": "pretrain", "key": "c0e8e6efb7870c70065eb5dc", "taken": false, "seconds": 0.15528475900003968, "saved_s": 0.0}]',NULL,NULL,NULL,NULL,0,0,'40a7f2d20199');
INSERT INTO dgsearch_trial_facts VALUES(5,1,0,'9100cc8cb055','a6b91dd0056e',1,NULL,'finished',1,1,0.78102796400003171584,0.62312982000003103166,0.12550510500000200408,0.0,'cpu','vm',1026.4289280000000417,NULL,'[{"stage": "pretrain", "key": "b3fa5009ffc30c5c35f28885", "taken": false, "seconds": 0.2407013790000292, "saved_s": 0.0}]',NULL,NULL,NULL,NULL,0,0,'40a7f2d20199');
INSERT INTO dgsearch_trial_facts VALUES(6,1,1,'9100cc8cb055','a6b91dd0056e',1,NULL,'finished',1,1,0.82859378899996727341,0.73199839899996277381,0.069444763000035436562,0.0,'cpu','vm',1021.9110399999999571,NULL,'[{"stage": "pretrain", "key": "05e0a185de41d2dee420c95b", "taken": false, "seconds": 0.3395989269999973, "saved_s": 0.0}]',NULL,NULL,NULL,NULL,0,0,'40a7f2d20199');
INSERT INTO dgsearch_trial_facts VALUES(7,2,0,'5e51d96a36ec','2cf06df38e38',1,NULL,'finished',1,1,2.6724217089999910967,0.72185695099994973134,0.12110992399999531698,0.0,'cpu','vm',1001.5293440000000373,NULL,'[{"stage": "pretrain", "key": "83cea374a481a53723fa23a7", "taken": false, "seconds": 0.3370073209999873, "saved_s": 0.0}]',NULL,NULL,NULL,NULL,0,0,'40a7f2d20199');
INSERT INTO dgsearch_trial_facts VALUES(8,2,0,'d90582a54b52','2cf06df38e38',1,NULL,'finished',1,1,2.9521294049999937669,1.0827819699999849945,0.17991371900001240646,0.0,'cpu','vm',1015.7752319999999599,NULL,'[{"stage": "pretrain", "key": "fcce57545cea2ae69f825654", "taken": false, "seconds": 0.6315555400000221, "saved_s": 0.0}]',NULL,NULL,NULL,NULL,0,0,'40a7f2d20199');
INSERT INTO dgsearch_trial_facts VALUES(9,3,0,'72ad082adaec','1a1c42badcf9',1,NULL,'finished',1,1,3.1204754110000294531,0.20217903000002479529,0.064643074999992222728,0.24070137900002919195,'cpu','vm',984.58009600000002594,NULL,'[{"stage": "pretrain", "key": "b3fa5009ffc30c5c35f28885", "taken": true, "seconds": 0.0011805999999978667, "saved_s": 0.2407013790000292}]',NULL,NULL,NULL,NULL,0,1,'40a7f2d20199');
INSERT INTO dgsearch_trial_facts VALUES(10,3,0,'72ad082adaec','1a1c42badcf9',1,NULL,'finished',1,1,3.3383963560000324832,0.30092788299998574075,0.062899160000029041839,0.24070137900002919195,'cpu','vm',984.35481600000002801,NULL,'[{"stage": "pretrain", "key": "b3fa5009ffc30c5c35f28885", "taken": true, "seconds": 0.0011680920000003425, "saved_s": 0.2407013790000292}]',NULL,NULL,NULL,NULL,0,1,'40a7f2d20199');
CREATE TABLE dgsearch_provenances (
	provenance_id VARCHAR(32) NOT NULL, 
	content_json TEXT NOT NULL, 
	PRIMARY KEY (provenance_id)
);
INSERT INTO dgsearch_provenances VALUES('40a7f2d20199','{"data_fingerprint": "2dfa703f2be0fef5", "git_revision": null, "machine": {"cores": 2, "gpus": [], "processor": "AMD EPYC", "system": "Linux x86_64"}, "python": "3.11.7", "stages": {"erm": {"erm": 1, "pretrain": 1}}, "threads": 1, "versions": {"dgsearch": "0.2.0", "numpy": "2.4.6", "optuna": "5.0.0", "pandas": "3.1.1", "ray": "2.60.0", "scikit-learn": "1.9.1", "torch": "2.14.1", "torchvision": "0.29.2"}}');
CREATE TABLE dgsearch_series (
	series_id INTEGER NOT NULL, 
	split VARCHAR(32) NOT NULL, 
	domain VARCHAR(200) NOT NULL, 
	metric VARCHAR(200) NOT NULL, 
	PRIMARY KEY (series_id), 
	UNIQUE (split, domain, metric)
);
INSERT INTO dgsearch_series VALUES(1,'train','scan','train_loss');
INSERT INTO dgsearch_series VALUES(2,'train','scan','epoch_s');
INSERT INTO dgsearch_series VALUES(3,'validation','scan','accuracy');
INSERT INTO dgsearch_series VALUES(4,'validation','scan','loss');
INSERT INTO dgsearch_series VALUES(5,'test','photo','accuracy');
INSERT INTO dgsearch_series VALUES(6,'test','photo','loss');
CREATE TABLE dgsearch_samples (
	trial_id INTEGER NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	content_json TEXT NOT NULL, 
	PRIMARY KEY (trial_id, name)
);
CREATE TABLE dgsearch_predictions (
	trial_id INTEGER NOT NULL, 
	split VARCHAR(32) NOT NULL, 
	domain VARCHAR(200) NOT NULL, 
	epoch INTEGER NOT NULL, 
	images INTEGER NOT NULL, 
	correct BLOB NOT NULL, 
	PRIMARY KEY (trial_id, split, domain)
);
INSERT INTO dgsearch_predictions VALUES(2,'validation','scan',1,239,X'd71a3d8fdd25fee9ffff793d8d7677bfda7e3d73fbf579c9f9daa6b35f8c');
INSERT INTO dgsearch_predictions VALUES(2,'test','photo',1,600,X'0309493341c19100962200406a1e50221c800005d3800e79880017450c6300080040a5035dc8485941003210830586988a468008060200402009603445c2d0599c4d0a404f4100092320a2');
INSERT INTO dgsearch_predictions VALUES(1,'validation','scan',1,239,X'74fcfb5fc299cba14d081005c741abc3ebda0a5ac8d471bf77dfd280bd84');
INSERT INTO dgsearch_predictions VALUES(1,'test','photo',1,600,X'2268c92641891000862208406a14400a1c90000513000e708801150128e102900000a5025f4848194006208021018c900c100098060600402000e81045c0d0089c000a4057418881032022');
INSERT INTO dgsearch_predictions VALUES(3,'validation','scan',1,239,X'f5fffffffafbffff77fffff5ffddffd77fffffffdbff7fffffffffffffee');
INSERT INTO dgsearch_predictions VALUES(3,'test','photo',1,600,X'ebe94d3651d9390896320a606e50e00b9898403cd3800e308905bf4428e192ba03c0a5065fcc7a51f184388cb7c5bcc18a5682d81a0ea153200861b265d2f85b9c6d08e05c23a881336206');
INSERT INTO dgsearch_predictions VALUES(4,'validation','scan',1,239,X'ffffbfdef7ffffebfffdff7fdffffffffb7ffdfffff7fff7fdddfcfffffc');
INSERT INTO dgsearch_predictions VALUES(4,'test','photo',1,600,X'cbe94d36d1d93908962208606f52e02b2098403cd3808e388905bf44a86192b801c0a5065fc8585174c43c283545b490aa5782081a06a042200b633765d2f85b9c6d08605c63a0813362a7');
INSERT INTO dgsearch_predictions VALUES(5,'validation','scan',1,239,X'f7fffffffffbffff7ffff7fddffdfffffbfffffedfff7fff7ffffffdffee');
INSERT INTO dgsearch_predictions VALUES(5,'test','photo',1,600,X'aba84d3251c9b918963208606ec4d0039c984035db800e308904bf443aab963804e0a5865fca7a5151c0b801b7a534b1aa4742c816118451304825a345d27c5b9d6c0e605d036009737232');
INSERT INTO dgsearch_predictions VALUES(6,'validation','scan',1,239,X'ffffbfdffffcfefbffff7f7fdfffffffff7ffdfffff7fdffffdffefffffe');
INSERT INTO dgsearch_predictions VALUES(6,'test','photo',1,600,X'eae94db6d1d83918d6220b606a56c00bb498603dd3802e308d05bf45f4e992b80182a7067fcc585150a43ca887a5b4f0aaf782d81e12a052210b21926d52184b9d6508705f6120812bc222');
INSERT INTO dgsearch_predictions VALUES(7,'validation','scan',1,239,X'74fcfb5fc299cba14d081005c741abc3ebda0a5ac8d475bf77dfd280bd84');
INSERT INTO dgsearch_predictions VALUES(7,'test','photo',1,600,X'2268c92641891000862208406a14400a1c90000593000e708801150128e102900000a5025f4848114006208020018c900c100018060600402000e81045c0d0089c000a4057418881032022');
INSERT INTO dgsearch_predictions VALUES(8,'validation','scan',1,239,X'74fcfb5fc299cba14d081005c741abc3ebda0a5ac8d475bf77dfd280bd84');
INSERT INTO dgsearch_predictions VALUES(8,'test','photo',1,600,X'2268c92641891000862208406a14400a1c90000593000e708801150128e102900000a5025f4848114006208020018c900c100018060600402000e81045c0d0089c000a4057418881032022');
INSERT INTO dgsearch_predictions VALUES(9,'validation','scan',1,239,X'f7fffffffffbffff7ffff7fddffdfffffbfffffedfff7fff7ffffffdffee');
INSERT INTO dgsearch_predictions VALUES(9,'test','photo',1,600,X'aba84d3251c9b918963208606ec4d0039c984035db800e308904bf443aab963804e0a5865fca7a5151c0b801b7a534b1aa4742c816118451304825a345d27c5b9d6c0e605d036009737232');
INSERT INTO dgsearch_predictions VALUES(10,'validation','scan',1,239,X'f7fffffffffbffff7ffff7fddffdfffffbfffffedfff7fff7ffffffdffee');
INSERT INTO dgsearch_predictions VALUES(10,'test','photo',1,600,X'aba84d3251c9b918963208606ec4d0039c984035db800e308904bf443aab963804e0a5865fca7a5151c0b801b7a534b1aa4742c816118451304825a345d27c5b9d6c0e605d036009737232');
CREATE TABLE dgsearch_drivers (
	driver_id VARCHAR(32) NOT NULL, 
	host VARCHAR(200) NOT NULL, 
	pid INTEGER NOT NULL, 
	heartbeat_at DOUBLE NOT NULL, 
	process VARCHAR(200), 
	PRIMARY KEY (driver_id)
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
INSERT INTO dgsearch_score_values VALUES(1,1,1,2.0779957940533662075);
INSERT INTO dgsearch_score_values VALUES(1,2,1,0.14718773699996745563);
INSERT INTO dgsearch_score_values VALUES(1,3,1,0.51464435146443510138);
INSERT INTO dgsearch_score_values VALUES(1,4,1,1.9416007197551647944);
INSERT INTO dgsearch_score_values VALUES(1,5,1,0.24333333333333334591);
INSERT INTO dgsearch_score_values VALUES(1,6,1,2.2523988850911460524);
INSERT INTO dgsearch_score_values VALUES(2,1,1,2.0677654608804147962);
INSERT INTO dgsearch_score_values VALUES(2,2,1,0.14733736900001304093);
INSERT INTO dgsearch_score_values VALUES(2,3,1,0.66945606694560666483);
INSERT INTO dgsearch_score_values VALUES(2,4,1,1.9182855454448874965);
INSERT INTO dgsearch_score_values VALUES(2,5,1,0.28666666666666668072);
INSERT INTO dgsearch_score_values VALUES(2,6,1,2.2422021484374998756);
INSERT INTO dgsearch_score_values VALUES(3,1,1,0.29674831063861889512);
INSERT INTO dgsearch_score_values VALUES(3,2,1,0.17096612599999616577);
INSERT INTO dgsearch_score_values VALUES(3,3,1,0.92468619246861927241);
INSERT INTO dgsearch_score_values VALUES(3,4,1,0.24549414024193416672);
INSERT INTO dgsearch_score_values VALUES(3,5,1,0.41999999999999998445);
INSERT INTO dgsearch_score_values VALUES(3,6,1,3.5785375976562501243);
INSERT INTO dgsearch_score_values VALUES(4,1,1,0.33569523885006197216);
INSERT INTO dgsearch_score_values VALUES(4,2,1,0.14637974900000472189);
INSERT INTO dgsearch_score_values VALUES(4,3,1,0.91631799163179916689);
INSERT INTO dgsearch_score_values VALUES(4,4,1,0.25084049432347510499);
INSERT INTO dgsearch_score_values VALUES(4,5,1,0.40666666666666667628);
INSERT INTO dgsearch_score_values VALUES(4,6,1,3.677325032552083428);
INSERT INTO dgsearch_score_values VALUES(5,1,1,0.49787667101260763002);
INSERT INTO dgsearch_score_values VALUES(5,2,1,0.38242844100000183971);
INSERT INTO dgsearch_score_values VALUES(5,3,1,0.94142259414225937241);
INSERT INTO dgsearch_score_values VALUES(5,4,1,0.18571196041346593741);
INSERT INTO dgsearch_score_values VALUES(5,5,1,0.41499999999999998001);
INSERT INTO dgsearch_score_values VALUES(5,6,1,3.6420878092447916962);
INSERT INTO dgsearch_score_values VALUES(6,1,1,0.46481463406429412987);
INSERT INTO dgsearch_score_values VALUES(6,2,1,0.39239947199996549898);
INSERT INTO dgsearch_score_values VALUES(6,3,1,0.93723849372384937517);
INSERT INTO dgsearch_score_values VALUES(6,4,1,0.20549065498128596396);
INSERT INTO dgsearch_score_values VALUES(6,5,1,0.42999999999999999333);
INSERT INTO dgsearch_score_values VALUES(6,6,1,3.8100569661458334458);
INSERT INTO dgsearch_score_values VALUES(7,1,1,2.0780133782946244025);
INSERT INTO dgsearch_score_values VALUES(7,2,1,0.38484962999996241705);
INSERT INTO dgsearch_score_values VALUES(7,3,1,0.51882845188284520965);
INSERT INTO dgsearch_score_values VALUES(7,4,1,1.940948614016736462);
INSERT INTO dgsearch_score_values VALUES(7,5,1,0.23999999999999999111);
INSERT INTO dgsearch_score_values VALUES(7,6,1,2.2521579996744791607);
INSERT INTO dgsearch_score_values VALUES(8,1,1,2.0780135057166622125);
INSERT INTO dgsearch_score_values VALUES(8,2,1,0.45122642999996287471);
INSERT INTO dgsearch_score_values VALUES(8,3,1,0.51882845188284520965);
INSERT INTO dgsearch_score_values VALUES(8,4,1,1.940948614016736462);
INSERT INTO dgsearch_score_values VALUES(8,5,1,0.23999999999999999111);
INSERT INTO dgsearch_score_values VALUES(8,6,1,2.2521579996744791607);
INSERT INTO dgsearch_score_values VALUES(9,1,1,0.49787667101260763002);
INSERT INTO dgsearch_score_values VALUES(9,2,1,0.20217903000002479529);
INSERT INTO dgsearch_score_values VALUES(9,3,1,0.94142259414225937241);
INSERT INTO dgsearch_score_values VALUES(9,4,1,0.18571196041346593741);
INSERT INTO dgsearch_score_values VALUES(9,5,1,0.41499999999999998001);
INSERT INTO dgsearch_score_values VALUES(9,6,1,3.6420878092447916962);
INSERT INTO dgsearch_score_values VALUES(10,1,1,0.49787667101260763002);
INSERT INTO dgsearch_score_values VALUES(10,2,1,0.30092788299998574075);
INSERT INTO dgsearch_score_values VALUES(10,3,1,0.94142259414225937241);
INSERT INTO dgsearch_score_values VALUES(10,4,1,0.18571196041346593741);
INSERT INTO dgsearch_score_values VALUES(10,5,1,0.41499999999999998001);
INSERT INTO dgsearch_score_values VALUES(10,6,1,3.6420878092447916962);
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
CREATE INDEX dgsearch_trial_facts_by_study ON dgsearch_trial_facts (study_id);
CREATE VIEW dgsearch_trials AS SELECT studies.study_name AS study, trials.number AS trial_number, CAST(trials.state AS VARCHAR(16)) AS state, dgsearch_trial_facts.stop_reason AS stop_reason, dgsearch_trial_facts.seed AS seed, dgsearch_trial_facts.config_id AS config_id, dgsearch_configurations.method AS method, dgsearch_configurations.role AS role, dgsearch_configurations.variant AS variant, dgsearch_configurations.values_json AS hyperparameters, trial_values.value AS value, dgsearch_trial_facts.epochs AS epochs, dgsearch_trial_facts.selected_epoch AS selected_epoch, trials.datetime_start AS started_at, trials.datetime_complete AS finished_at, dgsearch_trial_facts.wall_s AS wall_s, dgsearch_trial_facts.train_s AS train_s, dgsearch_trial_facts.saved_s AS saved_s, dgsearch_trial_facts.device AS device, dgsearch_trial_facts.host AS host, dgsearch_trial_facts.peak_memory_mb AS peak_memory_mb, dgsearch_trial_facts.attempt AS attempt, dgsearch_trial_facts.rung AS rung, dgsearch_trial_facts.cutoff AS cutoff, dgsearch_trial_facts.warnings AS warnings, dgsearch_trial_facts.error_type AS error_type, dgsearch_trial_facts.error AS error 
FROM trials JOIN studies ON studies.study_id = trials.study_id LEFT OUTER JOIN dgsearch_trial_facts ON dgsearch_trial_facts.trial_id = trials.trial_id LEFT OUTER JOIN dgsearch_configurations ON dgsearch_configurations.study_id = dgsearch_trial_facts.study_id AND dgsearch_configurations.config_id = dgsearch_trial_facts.config_id LEFT OUTER JOIN trial_values ON trial_values.trial_id = trials.trial_id AND trial_values.objective = 0;
CREATE VIEW dgsearch_scores AS SELECT studies.study_name AS study, trials.number AS trial_number, dgsearch_score_values.epoch AS epoch, CASE WHEN (dgsearch_score_values.epoch = dgsearch_trial_facts.selected_epoch) THEN 1 ELSE 0 END AS selected, dgsearch_series.split AS split, dgsearch_series.domain AS domain, dgsearch_series.metric AS metric, dgsearch_score_values.value AS value 
FROM dgsearch_score_values JOIN dgsearch_series ON dgsearch_series.series_id = dgsearch_score_values.series_id JOIN trials ON trials.trial_id = dgsearch_score_values.trial_id JOIN studies ON studies.study_id = trials.study_id JOIN dgsearch_trial_facts ON dgsearch_trial_facts.trial_id = trials.trial_id;
CREATE TRIGGER dgsearch_studies_deleted AFTER DELETE ON studies BEGIN DELETE FROM dgsearch_configurations WHERE study_id = OLD.study_id; DELETE FROM dgsearch_studies WHERE study_id = OLD.study_id; END;
CREATE TRIGGER dgsearch_trials_deleted AFTER DELETE ON trials BEGIN DELETE FROM dgsearch_score_values WHERE trial_id = OLD.trial_id; DELETE FROM dgsearch_samples WHERE trial_id = OLD.trial_id; DELETE FROM dgsearch_predictions WHERE trial_id = OLD.trial_id; DELETE FROM dgsearch_trial_facts WHERE trial_id = OLD.trial_id; END;
COMMIT;
