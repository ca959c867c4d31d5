;(function () {
  var words = __WORDS__
  var files = __FILES__
  var root = document.documentElement
  var kept
  var theme
  try {
    kept = localStorage.getItem('foyer.locale')
    theme = localStorage.getItem('foyer.theme')
  } catch (_) {
    /* storage may be denied */
  }
  var wanted = [kept].concat(navigator.languages || []).map(function (l) {
    return l && l.slice(0, 2)
  })
  var locale =
    wanted.find(function (l) {
      return l && words[l]
    }) || 'en'
  root.lang = locale
  root.dir = locale === 'ar' ? 'rtl' : 'ltr'
  if (theme === 'dark' || theme === 'light') root.dataset.theme = theme
  var path = location.pathname
  var event = /^\/events\/([0-9a-f-]{36})(\/tickets)?$/.exec(path)
  var page = path === '/' ? 'home' : path === '/search' ? 'search' : event ? (event[2] ? 'tickets' : 'event') : ''
  function soon(href) {
    var link = document.createElement('link')
    var style = /\.css$/.test(href)
    link.rel = style ? 'preload' : 'modulepreload'
    if (style) link.as = 'style'
    link.href = href
    document.head.appendChild(link)
  }
  // What the app will import and ask for next is fetched beside it, not after it.
  ;(files[locale] || []).concat(files[page] || []).forEach(soon)
  // The answers are for the app, see api/early.ts.
  var early = (window.foyerEarly = [])
  function ask(address) {
    var answer = fetch(address)
    answer.catch(function () {
      /* the app asks again, and says what is wrong */
    })
    early.push({ address: address, sent: Date.now(), answer: answer })
  }
  ask('/auth/session')
  if (page === 'home') ask('/api/v1/search?sort=date&limit=12')
  if (page === 'search') {
    var query = new URLSearchParams(location.search)
    query.delete('view')
    query.set('limit', 20)
    ask('/api/v1/search?' + query)
  }
  var api = '/api/v1/events/' + (event && event[1])
  if (event) ask(api)
  if (page === 'tickets') {
    ask(api + '/plan')
    ask(api + '/seats?units=runs')
  }
  // As soon as the parser has the headline's place: DOMContentLoaded would come after the app's own scripts.
  new MutationObserver(function (_, observer) {
    var headline = document.getElementById('shell-headline')
    if (!headline) return
    observer.disconnect()
    var hero = headline.parentElement
    var told = document.querySelector('script[type="application/ld+json"]')
    if (page === 'home') headline.textContent = words[locale]
    else if (page === 'event' && told) show(hero, headline, JSON.parse(told.textContent))
    else hero.remove()
  }).observe(root, { childList: true, subtree: true })
  // An event's page comes with its name and what it is about; both are shown where the app will have them.
  function show(hero, headline, about) {
    var body = document.createElement('div')
    hero.className = 'event-page'
    body.className = 'event-hero'
    body.innerHTML =
      '<div class="poster bone event-poster"></div><div class="event-title"><div class="bone event-kind"></div></div>'
    headline.className = ''
    headline.textContent = about.name
    body.lastChild.appendChild(headline)
    if (about.description) {
      var text = document.createElement('p')
      text.className = 'description'
      text.textContent = about.description
      body.lastChild.appendChild(text)
    }
    hero.appendChild(body)
  }
})()
