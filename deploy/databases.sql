-- One role and one database a user: none reads what another keeps. Run once, when the volume is empty.
\getenv lake_password LAKE_PASSWORD
\getenv dagster_password DAGSTER_PASSWORD
\getenv mlflow_password MLFLOW_PASSWORD
CREATE ROLE lake LOGIN PASSWORD :'lake_password';
CREATE ROLE dagster LOGIN PASSWORD :'dagster_password';
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow_password';
CREATE DATABASE lake OWNER lake;
CREATE DATABASE dagster OWNER dagster;
CREATE DATABASE mlflow OWNER mlflow;
REVOKE ALL ON DATABASE lake, dagster, mlflow, postgres, template1 FROM PUBLIC;
