package main

import (
	"os"
	"strings"
	"testing"
)

// RENDERED: the file with everything switched on. Each row breaks it in one place, and has to be found by its own rule.
func TestFindsEachBreak(t *testing.T) {
	file := os.Getenv("RENDERED")
	if file == "" {
		t.Skip("RENDERED names no file")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if faults := faultsOf(string(text)); len(faults) > 0 {
		t.Fatalf("not broken, and yet: %q", faults)
	}
	for _, row := range []struct{ from, to, fault string }{
		{"runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"},
		{"runAsUser: 65532", "runAsUser: 0", "runAsUser=0"},
		{"runAsUser: 65532", "supplementalGroups: []", "names no user"},
		{"type: RuntimeDefault", "type: Unconfined", "seccompProfile"},
		{"seccompProfile:", "seLinuxOptions: { type: spc_t }\n        seccompProfile:", "seLinuxOptions"},
		{"- ALL", "- KILL", "unrestricted capabilities"},
		{"drop:", "add: [SYS_ADMIN]\n              drop:", "SYS_ADMIN"},
		{"allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "allowPrivilegeEscalation"},
		{"allowPrivilegeEscalation: false", "privileged: true", "privileged"},
		{"allowPrivilegeEscalation: false", "procMount: Unmasked\n            allowPrivilegeEscalation: false", "procMount"},
		{"enableServiceLinks: false", "hostNetwork: true", "host namespaces"},
		{"enableServiceLinks: false", "enableServiceLinks: true", "service links"},
		{"automountServiceAccountToken: false\n      ", "", "service-account token"},
		{"readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "writable root"},
		{"emptyDir:\n            sizeLimit: 1Gi", "hostPath: { path: /var }", "hostPath"},
		{"containerPort: 9090", "containerPort: 9090\n              hostPort: 9090", "hostPort"},
		{"memory: 320Mi", "cpu: 1", "limit of memory"},
		{"/access-token-broker@sha256:" + strings.Repeat("0", 64), "/access-token-broker", "without a version"},
		{"terminationGracePeriodSeconds:", "terminationGracePeriodSecond:", "unknown field"},
		{"terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 1m", "terminationGracePeriodSeconds"},
		{"enableServiceLinks: false", "enableServiceLinks: false\n      enableServiceLinks: false", "already set"},
		{"kind: ServiceAccount", "kind: Secret", "Secret was rendered"},
		{"kind: PodDisruptionBudget", "kind: PodDisruption", "no kind"},
		{"topologySpreadConstraints:", "ephemeralContainers: []\n      topologySpreadConstraints:", "ephemeralContainers is not stored"},
		{"maxUnavailable: 25%", "maxUnavailable: null", "maxUnavailable is not stored"},
		{"cpu: 100m", "cpu: 0.1", "cpu is not stored"},
		{"automountServiceAccountToken: false\n---", "automountServiceAccountToken: false\nsecrets: []\n---", "secrets is not stored"},
		{"name: internal\n      namespace: gateways", "name: internal\n      namespaces: gateways", "unknown field"},
		{"backendRefs:\n        - name: \"wechat-tokens\"", "backendRefs:\n        - name: other", "finds 0 services"},
		{"targetPort: http", "targetPort: web", "no port"},
		{"scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: \"wechat-tokens\"", "scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: other", "no Deployment"},
		{"- port: admin\n      path: /metrics", "- port: metrics\n      path: /metrics", "finds 0 services"},
		{"app.kubernetes.io/component: broker\n  ports:", "app.kubernetes.io/component: server\n  ports:", "selects 0"},
		{"team: platform", "team: our platform", "labels"},
		{"app.kubernetes.io/name: \"broker\"", "app.kubernetes.io/name: on", "labels"},
	} {
		t.Run(row.to, func(t *testing.T) {
			broken := strings.Replace(string(text), row.from, row.to, 1)
			if broken == string(text) {
				t.Fatalf("%q is not in %s", row.from, file)
			}
			if faults := strings.Join(faultsOf(broken), "\n"); !strings.Contains(faults, row.fault) {
				t.Errorf("want a fault about %q, got %q", row.fault, faults)
			}
		})
	}
}

func faultsOf(rendered string) []string {
	_, _, faults := inspect(rendered)
	return faults
}
