package devstack

// plan returns every part in starting order.
func (s *Stack) plan(secrets *Secrets) []Part {
	parts := []Part{s.postgres(), s.redis()}
	brokers := []string{"redis"}
	switch s.Config.Components {
	case "kafka":
		parts = append(parts, s.kafka())
		brokers = append(brokers, "kafka")
	case "jetstream":
		parts = append(parts, s.nats())
		brokers = append(brokers, "nats")
	}
	parts = append(parts, s.daprTools(), s.mailpit(), s.sentry(), s.placement(), s.scheduler(), s.elasticsearch(), s.keycloak(secrets))
	if s.Config.Simulated() {
		parts = append(parts, s.stripesim(secrets))
	}
	// A service does not wait for Elasticsearch or Keycloak, since it must tolerate their outages anyway.
	after := append([]string{"postgres"}, brokers...)
	for _, app := range s.Apps {
		leans := after
		if app.PlacementHost != "" {
			leans = append(leans[:len(leans):len(leans)], "placement")
		}
		if app.SchedulerHost != "" {
			leans = append(leans[:len(leans):len(leans)], "scheduler")
		}
		parts = append(parts, s.sidecar(app, secrets, leans), s.service(app, secrets, leans))
	}
	return append(parts, s.web(), s.gateway())
}
