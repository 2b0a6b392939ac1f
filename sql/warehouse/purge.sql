-- Give the system back what the engine has freed: it would keep it for a time of load.
SYSTEM JEMALLOC PURGE
