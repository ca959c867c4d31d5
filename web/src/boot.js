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
  // What the app will import next is fetched beside it, not after it.
  ;(files[locale] || []).concat((location.pathname === '/' && files.home) || []).forEach(function (file) {
    var link = document.createElement('link')
    link.rel = 'modulepreload'
    link.href = file
    document.head.appendChild(link)
  })
  // As soon as the parser has the headline's place: DOMContentLoaded would come after the app's own scripts.
  new MutationObserver(function (_, observer) {
    var headline = document.getElementById('shell-headline')
    if (!headline) return
    observer.disconnect()
    if (location.pathname === '/') headline.textContent = words[locale]
    else headline.parentElement.remove()
  }).observe(root, { childList: true, subtree: true })
})()
