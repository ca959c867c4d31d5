// Package internalapi is generated from the contract that the catalog has with the other services
// (../internal.yaml): the types on the wire.
package internalapi

//go:generate go tool oapi-codegen -config oapi-codegen.yaml ../internal.yaml
