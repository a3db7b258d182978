// What is asked of a page from inside of it. Each function is sent there as text, so that it knows nothing but its arguments.

export const unfold = () => document.querySelectorAll('details').forEach(details => { details.open = true })

// Everything that sticks out of the window to the right, apart from what scrolls by itself, which nothing does on paper.
export const overflowing = (onPaper = false) => {
  const edge = document.documentElement.clientWidth
  const out = [...document.body.querySelectorAll('*')].filter(element => {
    const { right, width } = element.getBoundingClientRect()
    return width > 0 && right > edge + 0.5 && (onPaper || !element.closest('.scroll'))
  })
  const named = out.slice(0, 5).map(element => `${element.tagName}.${element.className} ${element.textContent.slice(0, 40)}`)
  if (document.documentElement.scrollWidth > edge) named.push(`the page is ${document.documentElement.scrollWidth} wide`)
  return named
}

// The bars of each row, in pixels from the left of its axis, and how wide that is.
export const bars = () => [...document.querySelectorAll('.rows > .row')].map(row => {
  const axis = row.querySelector('.t').getBoundingClientRect()
  const bars = [...row.querySelectorAll('.t > i')].filter(bar => !['r', 'o', 'x'].includes(bar.className))
  return {
    unit: row.querySelector('.n').textContent,
    width: axis.width,
    bars: bars.map(bar => {
      const { left, right } = bar.getBoundingClientRect()
      return { name: bar.className, left: left - axis.left, right: right - axis.left }
    })
  }
})

// Every text whose colour is too near to what it stands on: WCAG 2.2, 1.4.3, where 4.5 is asked of text of any size.
export const faint = least => {
  const numbers = colour => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number)
    return { rgb: [r, g, b], a }
  }
  const over = (front, back) => front.rgb.map((c, i) => c * front.a + back[i] * (1 - front.a))
  const ground = element => {
    const back = element.parentElement ? ground(element.parentElement) : [255, 255, 255]
    return over(numbers(getComputedStyle(element).backgroundColor), back)
  }
  const luminance = rgb => {
    const [r, g, b] = rgb.map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const found = []
  let texts = 0
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue
    texts++
    const back = ground(element)
    const [a, b] = [luminance(over(numbers(getComputedStyle(element).color), back)), luminance(back)]
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
    if (contrast < least) found.push(`${contrast.toFixed(2)} ${walker.currentNode.data.trim().slice(0, 30)}`)
  }
  return texts ? found.slice(0, 5) : ['there is no text at all']
}

// How light the page is, from 0 to 1, and whether what is folded is shown all the same.
export const printed = () => {
  const [r, g, b, a = 1] = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).map(Number)
  const closed = [...document.querySelectorAll('details:not([open])')]
  const hidden = closed.filter(details => {
    const inside = [...details.children].filter(child => child.tagName !== 'SUMMARY')
    return inside.some(child => !child.checkVisibility({ contentVisibilityAuto: true }) || child.getBoundingClientRect().height === 0)
  })
  return { light: a === 0 ? 1 : (r + g + b) / 765, closed: closed.length, hidden: hidden.length }
}

// What an assistive program or a reader without a pointer would miss.
export const unsaid = () => {
  const missing = []
  const need = (holds, what) => holds || missing.push(what)
  need(document.documentElement.lang === 'en', 'the language')
  need(document.title, 'a title')
  need(document.querySelectorAll('h1').length === 1, 'one first heading')
  const levels = [...document.querySelectorAll('h1, h2, h3')].map(heading => Number(heading.tagName[1]))
  need(levels.every((level, i) => i === 0 || level <= levels[i - 1] + 1), 'headings without a gap')
  for (const image of document.querySelectorAll('[role=img]')) need(image.ariaLabel, 'a name of each image')
  for (const th of document.querySelectorAll('th')) need(th.scope, 'the scope of each heading of a table')
  for (const scroll of document.querySelectorAll('.scroll')) need(scroll.tabIndex === 0, 'the keyboard for what scrolls')
  const ids = [...document.querySelectorAll('[id]')].map(element => element.id)
  need(new Set(ids).size === ids.length, 'ids that are one each')
  for (const link of document.querySelectorAll('a')) need(document.querySelector(link.getAttribute('href')), 'a target of each link')
  need(!document.querySelector('script, link, img, iframe, object, embed, base, form'), 'nothing that loads or runs')
  need(document.querySelector('meta[http-equiv]').content.startsWith("default-src 'none'"), 'the policy')
  return [...new Set(missing)]
}

// What has the focus, and whether that can be seen.
export const focused = () => {
  const element = document.activeElement
  const name = `${element.tagName}.${element.className}`
  return { name, visible: getComputedStyle(element).outlineStyle !== 'none', open: element.parentElement?.open }
}

export const texts = () => document.body.textContent
