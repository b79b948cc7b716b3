package main

import (
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// A pod, or what a Deployment makes pods from.
type pod struct {
	where string
	meta  metav1.ObjectMeta
	spec  corev1.PodSpec
}

func podsOf(objects []object) (pods []pod) {
	for _, each := range objects {
		switch owner := each.(type) {
		case *appsv1.Deployment:
			pods = append(pods, pod{"Deployment " + owner.Name, owner.Spec.Template.ObjectMeta, owner.Spec.Template.Spec})
		case *corev1.Pod:
			pods = append(pods, pod{"Pod " + owner.Name, owner.ObjectMeta, owner.Spec})
		}
	}
	return pods
}

// The evaluator of Kubernetes itself, as a namespace with `pod-security.kubernetes.io/enforce: restricted` runs it.
var restricted = func() policy.Evaluator {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		panic(err)
	}
	return evaluator
}()

func evaluate(pod pod) []policy.CheckResult {
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	return restricted.EvaluatePod(level, &pod.meta, &pod.spec)
}

func securityRules() int { return len(evaluate(pod{})) }

func checkSecurity(pod pod) (faults []string) {
	for _, result := range evaluate(pod) {
		if !result.Allowed {
			faults = append(faults, fmt.Sprintf("%s: %s: %s", pod.where, result.ForbiddenReason, result.ForbiddenDetail))
		}
	}
	for _, rule := range hardening {
		if !rule.holds(pod.spec) {
			faults = append(faults, fmt.Sprintf("%s: %s", pod.where, rule.text))
		}
	}
	return faults
}

// What we ask for beyond Pod Security restricted.
var hardening = []struct {
	text  string
	holds func(corev1.PodSpec) bool
}{
	{"mounts a service-account token", func(spec corev1.PodSpec) bool { return isFalse(spec.AutomountServiceAccountToken) }},
	{"has service links in its environment", func(spec corev1.PodSpec) bool { return isFalse(spec.EnableServiceLinks) }},
	{"names no user", func(spec corev1.PodSpec) bool {
		return spec.SecurityContext != nil && spec.SecurityContext.RunAsUser != nil
	}},
	{"has a writable root", everyContainer(func(container corev1.Container) bool {
		context := container.SecurityContext
		return context != nil && context.ReadOnlyRootFilesystem != nil && *context.ReadOnlyRootFilesystem
	})},
	{"has no request for CPU and memory, or no limit of memory", everyContainer(func(container corev1.Container) bool {
		requests, limits := container.Resources.Requests, container.Resources.Limits
		return !requests.Cpu().IsZero() && !requests.Memory().IsZero() && !limits.Memory().IsZero()
	})},
	{"has an image without a version", everyContainer(func(container corev1.Container) bool {
		_, version, found := strings.Cut(container.Image[strings.LastIndex(container.Image, "/")+1:], ":")
		return found && version != "latest"
	})},
}

func everyContainer(holds func(corev1.Container) bool) func(corev1.PodSpec) bool {
	return func(spec corev1.PodSpec) bool {
		for _, container := range append(spec.InitContainers, spec.Containers...) {
			if !holds(container) {
				return false
			}
		}
		return true
	}
}

func isFalse(flag *bool) bool { return flag != nil && !*flag }
