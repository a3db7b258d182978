// Measures aye wrap: starts in turns with plain ones, then memory and processor time beside an http server.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'

const [aye, runs, seconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])]

function milliseconds(program, words) {
  const start = process.hrtime.bigint()
  const { status } = spawnSync(program, words, { stdio: 'ignore' })
  if (status !== 0) throw new Error(`${program} ended with ${status}`)
  return Number(process.hrtime.bigint() - start) / 1e6
}

function quantile(sorted, part) {
  return sorted[Math.floor((sorted.length - 1) * part)].toFixed(3)
}

function starts() {
  const sides = { plain: [], wrap: [] }
  for (let run = 0; run < runs; run++) {
    sides.plain.push(milliseconds('/bin/true', []))
    sides.wrap.push(milliseconds(aye, ['wrap', '--', '/bin/true']))
  }
  for (const [side, times] of Object.entries(sides)) {
    times.sort((a, b) => a - b)
    console.log(`${side}: p10 ${quantile(times, 0.1)} ms, median ${quantile(times, 0.5)} ms, p90 ${quantile(times, 0.9)} ms, ${runs} runs`)
  }
  // On a machine that has other things to do the median says what it waits, too.
  const adds = (part) => (quantile(sides.wrap, part) - quantile(sides.plain, part)).toFixed(3)
  console.log(`wrap adds ${adds(0.5)} ms at the median, ${adds(0.1)} ms to the fastest tenth`)
  const [plain, wrap] = [processor('/bin/true', []), processor(aye, ['wrap', '--', '/bin/true'])]
  console.log(`processor time: plain ${plain.toFixed(3)} ms, wrap ${wrap.toFixed(3)} ms, wrap adds ${(wrap - plain).toFixed(3)} ms`)
}

// Of one start, on the average: what the kernel has put down for children that have ended, in ticks of 10 ms (proc_pid_stat(5)).
function processor(program, words) {
  const ticks = () => {
    const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1).split(' ')
    return Number(fields[13]) + Number(fields[14])
  }
  const before = ticks()
  for (let run = 0; run < runs; run++) milliseconds(program, words)
  return ((ticks() - before) * 10) / runs
}

// Nanoseconds on a processor, of all threads: finer than ticks.
function nanoseconds(pid, tasks) {
  return tasks.reduce((sum, task) => sum + Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]), 0)
}

async function idle() {
  const server = "require('node:http').createServer((q, r) => r.end('ok')).listen(8099, '127.0.0.1', () => console.log('up'))"
  const probe = 'http://127.0.0.1:8099/'
  const environment = { ...process.env, NOTIFY_SOCKET: '@aye-bench-nobody', WATCHDOG_USEC: '4000000' }
  const receiver = spawn('perl', ['-MSocket', '-e', `
    socket(S, AF_UNIX, SOCK_DGRAM, 0); bind(S, pack("Sa*", AF_UNIX, "\\0aye-bench-nobody")) or die; $| = 1; print "bound\\n";
    while (recv(S, $b, 4096, 0) || 1) { $b =~ s/\\n/ /g; print "$b\\n" }`], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(receiver.stdout, 'data')
  const child = spawn(aye, ['wrap', '--ready-on', probe, '--alive-on', probe, '--', 'node', '-e', server], { env: environment, stdio: 'ignore' })
  let heard = ''
  for await (const data of receiver.stdout) {
    heard += data
    if (heard.includes('WATCHDOG=1')) break
  }
  const tasks = readdirSync(`/proc/${child.pid}/task`)
  const before = nanoseconds(child.pid, tasks)
  const start = process.hrtime.bigint()
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
  const share = (nanoseconds(child.pid, tasks) - before) / Number(process.hrtime.bigint() - start)
  const rollup = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8')
  const [rss, own] = ['Rss', 'Pss_Anon'].map((name) => new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)[1])
  console.log(`with an http probe each second: ${rss} kB RSS, ${own} kB of it not the binary's, ` +
    `${(share * 100).toFixed(4)} % of a core over ${seconds} s`)
  child.kill()
  await once(child, 'exit')
  receiver.kill()
}

starts()
await idle()
