package sim

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// params are a request's form values: a[b][c]=d, a[]=b and a[0]=b as Stripe's libraries write them.
type params struct{ url.Values }

func readParams(r *http.Request) (params, *refusal) {
	if err := r.ParseForm(); err != nil {
		return params{}, malformed("", "", "Invalid request: the body is not a form.")
	}
	return params{r.Form}, nil
}

func root(name string) string {
	name, _, _ = strings.Cut(name, "[")
	return name
}

// only refuses parameters that Stripe would not know either.
func (p params) only(names ...string) *refusal {
	for name := range p.Values {
		if r := root(name); r != "expand" && !slices.Contains(names, r) {
			return malformed("parameter_unknown", r, "Received unknown parameter: %s", name)
		}
	}
	return nil
}

func (p params) str(name string) string { return p.Get(name) }

func (p params) num(name string, fallback int64) (int64, *refusal) {
	raw := p.Get(name)
	if raw == "" {
		return fallback, nil
	}
	n, err := strconv.ParseInt(raw, 10, 64)
	if err != nil {
		return 0, malformed("parameter_invalid_integer", name, "Invalid integer: %s", raw)
	}
	return n, nil
}

func (p params) flag(name string) bool { return p.Get(name) == "true" }

// list reads name[]=… and name[0]=….
func (p params) list(name string) []string {
	type entry struct {
		at    int
		value string
	}
	values := slices.Clone(p.Values[name+"[]"])
	var indexed []entry
	for key := range p.Values {
		inner, ok := strings.CutPrefix(key, name+"[")
		if !ok {
			continue
		}
		if at, err := strconv.Atoi(strings.TrimSuffix(inner, "]")); err == nil {
			indexed = append(indexed, entry{at, p.Get(key)})
		}
	}
	slices.SortFunc(indexed, func(a, b entry) int { return a.at - b.at })
	for _, e := range indexed {
		values = append(values, e.value)
	}
	return values
}

var pair = regexp.MustCompile(`^\w+\[([^\]]+)\]$`)

// Limits of metadata (https://docs.stripe.com/api/metadata).
const (
	maxMetadata      = 50
	maxMetadataKey   = 40
	maxMetadataValue = 500
)

// metadata merges name[key]=value into have; an empty value removes the key.
func (p params) metadata(have map[string]string) (map[string]string, *refusal) {
	merged := map[string]string{}
	for k, v := range have {
		merged[k] = v
	}
	for name, values := range p.Values {
		m := pair.FindStringSubmatch(name)
		if root(name) != "metadata" || m == nil {
			continue
		}
		switch value := values[0]; {
		case len(m[1]) > maxMetadataKey:
			return nil, malformed("", "metadata", "Metadata keys can have up to %d characters.", maxMetadataKey)
		case len(value) > maxMetadataValue:
			return nil, malformed("", name, "Metadata values can have up to %d characters, but you passed in a value that is %d characters.", maxMetadataValue, len(value))
		case value == "":
			delete(merged, m[1])
		default:
			merged[m[1]] = value
		}
	}
	if len(merged) > maxMetadata {
		return nil, malformed("", "metadata", "Metadata can have up to %d keys.", maxMetadata)
	}
	return merged, nil
}

// print is the same for the same request, whatever the order of its parameters.
func (p params) print(method, path string) string { return method + " " + path + "?" + p.Encode() }
