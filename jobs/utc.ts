// Imported before anything else: the process runs in UTC, whatever the host's zone (DESIGN, Time).
process.env.TZ = 'UTC';
