// Plays the frames, or pauses. args: slider, button
const stop = () => {
  clearInterval(window.redwood_playing)
  window.redwood_playing = null
  button.label = "▶ Play"
}
if (window.redwood_playing != null) { stop(); return }
button.label = "❚❚ Pause"
if (slider.value >= slider.end) { slider.value = slider.start }
window.redwood_playing = setInterval(() => {
  if (slider.value >= slider.end) { stop() } else { slider.value = slider.value + 1 }
}, 120)
