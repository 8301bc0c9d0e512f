"""The classes that every Spark job loads, as an archive the JVM maps at its start: a job of seconds takes a quarter less CPU.

``python -m runtime.class_archive`` makes it, once for each virtual environment, by running what jobs do on a small Iceberg
table. It is an optimisation only: without it, or with another Java, the JVM loads classes from their jars as ever.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from runtime.errors import SetupError
from runtime.jars import jar_paths
from runtime.java import java_home
from runtime.settings import Settings

# With one compiler the JVM keeps 48 MB of compiled code; a session that lives for minutes would throw out and compile again.
QUICK = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
_WARM_UP = """
import sys
from pyspark.sql import SparkSession, Window, functions as F
folder, options, jars = sys.argv[1:]
catalog = "spark.sql.catalog.lake"
conf = {
    "spark.master": "local[2]", "spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": options, "spark.driver.extraClassPath": jars, "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false", "spark.sql.session.timeZone": "UTC",
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    catalog: "org.apache.iceberg.spark.SparkCatalog", f"{catalog}.type": "jdbc", f"{catalog}.uri": f"jdbc:sqlite:file:{folder}/catalog.db",
    f"{catalog}.jdbc.schema-version": "V1", f"{catalog}.warehouse": f"file://{folder}/warehouse",
}
builder = SparkSession.builder
for key, value in conf.items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
spark.sql("create table lake.a.t (id string, at timestamp, x double) using iceberg partitioned by (days(at)) "
          "tblproperties ('write.merge.mode'='copy-on-write')")
made = spark.range(200).selectExpr("cast(id as string) id", "timestamp_seconds(id * 600) at", "rand() x")
made.write.mode("overwrite").parquet(f"{folder}/p")
read = spark.read.parquet(f"{folder}/p").select("*", F.col("_metadata.file_path").alias("f"))
order = Window.partitionBy("id").orderBy("f")
read.withColumn("n", F.row_number().over(order)).where("n = 1").select("id", "at", "x").createOrReplaceTempView("s")
spark.sql("alter table lake.a.t create branch b")
spark.sql("merge into lake.a.t.branch_b t using s on t.id = s.id and t.at >= timestamp'1970-01-01' when not matched then insert *")
table = spark.table("lake.a.t.branch_b").withColumn("hour", F.date_trunc("hour", "at")).cache()
in_order = Window.partitionBy("id").orderBy("at", "x")
whole = Window.partitionBy("id", "hour").orderBy("at").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
figures = [f("x").over(whole).alias(f.__name__) for f in (F.count, F.min, F.max, F.avg, F.sum)]
rolled = table.select("id", "hour", F.row_number().over(in_order).alias("place"), F.last("x", ignorenulls=True).over(whole), *figures,
                      F.when(F.unix_micros("at") - F.unix_micros(F.lag("at").over(in_order)) > 1, 1).alias("gap"))
rolled.where("place = 1").collect()
touched = table.groupBy("id", "hour").agg(F.max(F.lit(True)).alias("is_touched"), F.max(F.struct("at", "x")).alias("newest")).cache()
touched.groupBy(F.to_date("hour").alias("day")).agg(F.max("is_touched")).collect()
touched.withColumn("each", F.explode(F.sequence("hour", F.col("hour") + F.expr("INTERVAL 2 HOURS"), F.expr("INTERVAL 1 HOUR")))).join(
    touched.select("id", "hour"), ["id", "hour"], "left").groupBy("each").agg(
    F.slice(F.sort_array(F.collect_list(F.when(F.col("is_touched"), F.col("id")))), 1, 3), F.countDistinct("id")).orderBy("each").toPandas()
table.join(read.select("id", F.struct("x").alias("v")), "id").where(~F.struct("x").eqNullSafe(F.col("v"))).collect()
table.join(touched.select("id").distinct(), "id", "left_semi").dropDuplicates(["id"]).count()
snapshot = spark.sql("select snapshot_id from lake.a.t.history").first() or spark.sql("select snapshot_id from lake.a.t.refs").first()
there = spark.read.option("versionAsOf", str(snapshot[0])).table("lake.a.t")
kept = there.where("at >= timestamp'1970-01-01'").join(F.broadcast(touched.select("id").distinct()), "id", "left_anti")
part = F.date_trunc("day", "at")
written = kept.unionByName(table.select("id", "at"), allowMissingColumns=True).repartition(part).sortWithinPartitions(part, "id")
written.writeTo("lake.a.t.branch_b").options(**{"distribution-mode": "none", "use-table-distribution-and-ordering": "false",
    "fanout-enabled": "true"}).overwrite(F.expr("at >= timestamp'1970-01-01' AND at < timestamp'1970-01-09'"))
table.groupBy("hour").agg(F.count("*"), F.min("x"), F.collect_list("id")).toPandas()
table.join(read.select("id"), "id", "left_anti").collect()
table.repartition("id").sortWithinPartitions("id", "at").mapInArrow(lambda batches: batches, table.schema).count()
spark.stop()
"""


def archive_file() -> Path:
    return Path(sys.prefix) / "share" / "fleetlake" / "spark-classes.jsa"


def jvm_options() -> str:
    """Flags of quick jobs, with the archive where it was made."""
    return f"{QUICK} -XX:SharedArchiveFile={archive_file()}" if archive_file().is_file() else QUICK


def make(settings: Settings) -> Path | None:
    """The archive, made anew; None where this Java cannot make one."""
    target = archive_file()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    environment = dict(os.environ) | {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    home = java_home(settings)
    if home:
        environment["JAVA_HOME"] = str(home)
    classes = ":".join(str(path) for path in jar_paths(settings))
    with tempfile.TemporaryDirectory(prefix="fleetlake-classes-") as folder:
        command = [sys.executable, "-c", _WARM_UP, folder, f"{QUICK} -XX:ArchiveClassesAtExit={target}", classes]
        done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, timeout=300, check=False)
    if done.returncode != 0:
        # Half of the classes: a warm-up that does not suit the installed Spark would go unnoticed.
        target.unlink(missing_ok=True)
    return target if target.is_file() else None


def main() -> int:
    try:
        made = make(Settings.from_environment())
    except (SetupError, subprocess.TimeoutExpired) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{made or 'none: this Java cannot make one; jobs run without'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
