// Package catalogapi is generated from the contract that the catalog has with the other services: the
// types on the wire of what search asks it for.
package catalogapi

//go:generate go tool oapi-codegen -config oapi-codegen.yaml ../../../catalog/rest/internal.yaml
