SELECT rollup, toUnixTimestamp64Milli(mark) AS mark FROM rollup_marks FINAL
