package main

import (
	"fmt"
	"slices"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Selectors and names that the API server takes as they are, and that then select nothing.
func checkLinks(objects []object, pods []pod) (faults []string) {
	links := links{objects, pods, &faults}
	for _, each := range objects {
		switch from := each.(type) {
		case *appsv1.Deployment:
			links.pod(from, from.Spec.Selector, "")
		case *policyv1.PodDisruptionBudget:
			links.pod(from, from.Spec.Selector, "")
		case *networkingv1.NetworkPolicy:
			for _, rule := range from.Spec.Ingress {
				for _, port := range rule.Ports {
					links.pod(from, &from.Spec.PodSelector, port.Port.StrVal)
				}
			}
		case *corev1.Service:
			for _, port := range from.Spec.Ports {
				links.pod(from, &metav1.LabelSelector{MatchLabels: from.Spec.Selector}, port.TargetPort.StrVal)
			}
		case *monitoringv1.ServiceMonitor:
			links.service(from, func(to *corev1.Service) bool {
				return selects(&from.Spec.Selector, to.Labels) && slices.Contains(from.Spec.NamespaceSelector.MatchNames, to.Namespace)
			}, from.Spec.Endpoints[0].Port)
		case *monitoringv1.PodMonitor:
			links.pod(from, &from.Spec.Selector, *from.Spec.PodMetricsEndpoints[0].Port)
		case *gatewayv1.HTTPRoute:
			backend := from.Spec.Rules[0].BackendRefs[0]
			links.service(from, func(to *corev1.Service) bool {
				return to.Name == string(backend.Name) && to.Spec.Ports[0].Port == int32(*backend.Port)
			}, "http")
		case *networkingv1.Ingress:
			backend := from.Spec.Rules[0].HTTP.Paths[0].Backend.Service
			links.service(from, func(to *corev1.Service) bool { return to.Name == backend.Name }, backend.Port.Name)
		case *autoscalingv2.HorizontalPodAutoscaler:
			links.deployment(from, from.Spec.ScaleTargetRef.Name)
		}
	}
	return faults
}

type links struct {
	objects []object
	pods    []pod
	faults  *[]string
}

func (links links) fault(from object, format string, args ...any) {
	*links.faults = append(*links.faults, fmt.Sprintf("%T %s: ", from, from.GetName())+fmt.Sprintf(format, args...))
}

// A selector has to find the pods of exactly one owner, and there the port if one is named.
func (links links) pod(from object, selector *metav1.LabelSelector, port string) {
	found := 0
	for _, pod := range links.pods {
		if !selects(selector, pod.meta.Labels) {
			continue
		}
		found++
		if port != "" && !hasPort(pod.spec, port) {
			links.fault(from, "%s has no port %q", pod.where, port)
		}
	}
	if found != 1 {
		links.fault(from, "selects %d kinds of pods, not 1", found)
	}
}

func (links links) service(from object, matches func(*corev1.Service) bool, port string) {
	found := 0
	for _, each := range links.objects {
		to, ok := each.(*corev1.Service)
		if !ok || !matches(to) {
			continue
		}
		for _, each := range to.Spec.Ports {
			if each.Name == port {
				found++
			}
		}
	}
	if found != 1 {
		links.fault(from, "finds %d services with the port %q, not 1", found, port)
	}
}

func (links links) deployment(from object, name string) {
	for _, each := range links.objects {
		if to, ok := each.(*appsv1.Deployment); ok && to.Name == name {
			if to.Spec.Replicas != nil {
				links.fault(from, "%s sets replicas as well", name)
			}
			return
		}
	}
	links.fault(from, "there is no Deployment %s", name)
}

func selects(selector *metav1.LabelSelector, set map[string]string) bool {
	compiled, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && !compiled.Empty() && compiled.Matches(labels.Set(set))
}

func hasPort(spec corev1.PodSpec, name string) bool {
	for _, container := range spec.Containers {
		for _, port := range container.Ports {
			if port.Name == name {
				return true
			}
		}
	}
	return false
}
