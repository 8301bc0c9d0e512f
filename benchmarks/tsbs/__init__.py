"""TSBS's "iot" workload written anew: trucks that send readings and diagnostics, out of order and with gaps, and its 13 questions.

https://github.com/timescale/tsbs; what follows from it are facts (fields, ranges, chances, questions), no line of its code.
Where it is another here:

- A truck is its device id, which no message can lack, where upstream a point without a name is nobody's. The other tags are
  fields of each reading, and a reading counts by its own.
- Trucks park: upstream's velocity walks about and hardly ever stands, so that its questions about standing and long drives have
  no answer or all trucks.
- breakdown-frequency: upstream's SQL counts ``count(status = 0) / count(*) >= 0.5``, which is true of every period, as count()
  counts the false ones too and the division is of whole numbers. Here a period is broken down where at least half of its readings
  with a status have one other than 0, as upstream's InfluxDB question and its daily-activity mean it.
- Hours and shares of a day are divided as numbers; upstream's ``count(*) / 6`` and ``sum(…) / 144`` cut them down to whole ones.
- Tanks begin at any level: upstream's are all full at first, and then all empty at once or none.
- daily-activity counts the periods, where upstream adds up the readings in them.
- An entry a minute and not every ten seconds.
"""
