;(function () {
  var words = __WORDS__
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
  document.addEventListener('DOMContentLoaded', function () {
    var headline = document.getElementById('shell-headline')
    if (!headline) return
    if (location.pathname === '/') headline.textContent = words[locale]
    else headline.parentElement.remove()
  })
})()
