// Gives the slider's handle the name that Bokeh does not give it. args: slider
const name = (node) => {
  for (const handle of node.querySelectorAll(".noUi-handle")) { handle.setAttribute("aria-label", slider.title) }
  for (const inside of node.querySelectorAll("*")) { if (inside.shadowRoot) { name(inside.shadowRoot) } }
}
name(document)
