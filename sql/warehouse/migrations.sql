SELECT name, digest FROM migrations FINAL ORDER BY name
