// Package data embeds the data sets that ship with Foyer: a gazetteer, countries, and the conferences that
// `foyer seed` imports. README.md lists their sources and licences.
package data

import _ "embed"

// Gazetteer lists cities: folded name, country, state, latitude, longitude, time zone.
//
//go:embed gazetteer.tsv
var Gazetteer string

// Countries lists ISO 3166 codes, the names people use, the currency and the main time zone.
//
//go:embed countries.tsv
var Countries string

// Conferences is a JSON array of real conferences of 2023 and 2025.
//
//go:embed conferences.json
var Conferences []byte
