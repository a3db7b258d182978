// The time from a service's READY=1 to the enqueuing of the next restart's job, from the events of `aye restart --json`:
// both stamps are CLOCK_MONOTONIC, one taken by the manager when it heard READY=1, one by aye when the job existed.
// Usage: node bench/restart/gap.mjs AYE [INSTANCES]; the embedded manager, instances that are ready at once.

import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const [aye, instances = '51'] = process.argv.slice(2)
if (!aye) {
  console.error('usage: node bench/restart/gap.mjs AYE [INSTANCES]')
  process.exit(2)
}
const dir = mkdtempSync(join(tmpdir(), 'aye-gap-'))
writeFileSync(join(dir, 'web@.service'), `[Service]
Type=notify
OpenFile=/run/systemd/notify:notify
ExecStart=/bin/sh -c 'printf READY=1 >&3; exec sleep 3600'
`)
const names = Array.from({ length: Number(instances) }, (_, index) => `web@${index + 1}.service`)
const env = { ...process.env, AYE_RUNTIME_DIR: join(dir, 'run') }

const manager = spawn(aye, ['run', '-C', dir, ...names], { env, stdio: ['ignore', 'ignore', 'pipe'] })
let ready = 0
for await (const line of createInterface({ input: manager.stderr })) {
  if (line.includes(': ready in ') && ++ready === names.length) break
}
manager.stderr.resume()

const restart = spawn(aye, ['restart', '--json', '--progress=quiet', ...names], { env, stdio: ['ignore', 'pipe', 'inherit'] })
const gaps = []
let readyAt
for await (const line of createInterface({ input: restart.stdout })) {
  const event = JSON.parse(line)
  if (event.event === 'unit_start' && readyAt !== undefined) gaps.push(event.enqueued_monotonic_usec - readyAt)
  if (event.event === 'ready') readyAt = event.ready_monotonic_usec
}
manager.kill('SIGTERM')
await new Promise((resolve) => manager.on('exit', resolve))
rmSync(dir, { recursive: true })

gaps.sort((a, b) => a - b)
const at = (share) => (gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * share))] / 1000).toFixed(2)
console.log(`READY to the next job, embedded manager: median ${at(0.5)} ms, 90 % ${at(0.9)} ms of ${gaps.length} gaps`)
if (gaps.length !== names.length - 1) process.exit(1)
