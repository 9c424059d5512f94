// pm2: `pm2 start ecosystem.config.cjs && pm2 save`. How to install it, and to start it with the host: docs/operations.md.
// `npm run build` first. Settings come from .env beside this file, not from here: pm2 would keep a copy of secrets.

/** What both programs have in common. */
const common = {
  script: 'dist/jobs/main.js',
  cwd: __dirname,
  interpreter: 'node',
  exec_mode: 'fork',
  // One is enough: the lease lets one work anyway.
  instances: 1,
  autorestart: true,
  // 100 ms after the first failure, then longer each time, at most 15 s: a database that is away is not hammered.
  exp_backoff_restart_delay: 100,
  // A run that ends of itself before this counts as a failed start.
  min_uptime: '30s',
  // No limit: it waits for the database as long as that is away. (`max_restarts` would give up for ever.)
  max_restarts: Number.MAX_SAFE_INTEGER,
  // A stop is given 10 s to finish or leave the repair in hand; only then comes SIGKILL.
  kill_timeout: 15_000,
  // No `cron_restart`: it would kill a run in the middle. The daemon keeps its own time, in UTC.
  watch: false,
  // Logs are JSON with their own time. pm2-logrotate, or deploy/logrotate, rotates the files.
  merge_logs: true,
  time: false,
  env: { NODE_ENV: 'production', TZ: 'UTC' },
};

module.exports = {
  apps: [
    {
      ...common,
      name: 'roundwarden',
      args: 'start',
      max_memory_restart: '512M',
      out_file: 'data/logs/roundwarden.log',
      error_file: 'data/logs/roundwarden.log',
    },
    {
      ...common,
      name: 'roundwarden-web',
      args: 'serve',
      max_memory_restart: '384M',
      out_file: 'data/logs/roundwarden-web.log',
      error_file: 'data/logs/roundwarden-web.log',
    },
  ],
};
