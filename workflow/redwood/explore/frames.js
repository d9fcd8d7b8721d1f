// Shows one frame of a simulation: sites, routes, where in the series it is, and its date.
// args: slider, site_frames, route_frames, sites, routes, edges, now, caption, quantity, bar
const frame = slider.value
const names = {queued: "waiting jobs", staging: "jobs that wait for input", failed: "failed attempts",
               moved: "GB moved per hour"}
const s = sites.data, f = site_frames.data, frames = edges.data.hour.length - 1
const count = s.name.length
const chosen = quantity.value
const values = f[chosen]
if (values == null || frames < 1) { return }
let found = 0
for (const value of values) { if (value > found) found = value }
const most = Math.max(found, 1)
const level = (value) => Math.log1p(value) / Math.log1p(most)
for (let i = 0; i < count; i++) {
  const at = i * frames + frame
  s.busy[i] = f.busy[at]
  s.queued[i] = f.queued[at]
  s.staging[i] = f.staging[at]
  s.failed[i] = f.failed[at]
  s.moved[i] = f.moved[at]
  const down = f.available[at] < 0.999
  s.state[i] = down ? `down ${Math.round(100 * (1 - f.available[at]))} % of this time` : "up"
  s.level[i] = level(values[at])
  s.fill[i] = s.cores[i] > 0 ? s.ring[i] * Math.sqrt(Math.min(1, f.busy[at] / s.cores[i])) : 0
  s.cross[i] = down ? 16 : 0
}
sites.change.emit()
const r = routes.data
let widest = 0
for (const value of route_frames.data.rate) { if (value > widest) widest = value }
for (let i = 0; i < r.width.length; i++) {
  const share = widest > 0 ? route_frames.data.rate[i * frames + frame] / widest : 0
  r.width[i] = share > 0 ? 0.4 + 5 * Math.sqrt(share) : 0
  r.alpha[i] = share > 0 ? 0.25 + 0.5 * Math.sqrt(share) : 0
}
routes.change.emit()
const hour = edges.data.hour
now.location = (hour[frame] + hour[frame + 1]) / 2
const day = Math.floor(hour[frame] / 24) + 1
const clock = hour[frame] - 24 * (day - 1)
const text = (value) => Number(value.toPrecision(3)).toString()
caption.text = `Simulated day ${day}, hour ${text(clock)}: colour shows ${names[chosen]}, `
  + `at most ${text(found)} at a site`
const marks = [0, 1, 10, 100, 1000, 10000, 100000, 1000000].filter((mark) => mark < 0.6 * most)
marks.push(most)
bar.ticker.ticks = marks.map(level)
bar.major_label_overrides = new Map(marks.map((mark) => [level(mark), text(mark)]))
