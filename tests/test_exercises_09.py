"""The exercises of chapter 9: right answers in any form pass, each known mistake is named as itself."""

import warnings

import numpy as np
import pytest
import torch
from scipy import special
from torch.nn import functional as F

from xent_helpers import exercises, information, losses
from xent_helpers.exercises.chapter_09 import EXERCISES
from xent_helpers.exercises.checker import diagnose

BY_KEY = {exercise.key: exercise for exercise in EXERCISES}
MISTAKES = [
    pytest.param(exercise, mistake, id=f"{exercise.key}-{number}")
    for exercise in EXERCISES
    for number, mistake in enumerate(exercise.mistakes, 1)
]


def bits_by_torch(nats, valid, n_bytes):
    nats, valid = torch.from_numpy(nats), torch.from_numpy(valid)
    return torch.where(valid, nats, 0.0).sum() / np.log(2) / n_bytes


def bits_by_mean(nats, valid, n_bytes):
    return information.nats_to_bits(nats[valid].mean()) * valid.sum() / n_bytes


def gradient_by_loop(means, counts):
    total = np.zeros(means.shape[1])
    for mean, count in zip(means, counts, strict=True):
        if count:
            total += count * mean
    return total / sum(counts)


def gradient_by_where(means, counts):
    return np.average(np.where(counts[:, None] > 0, means, 0.0), axis=0, weights=counts)


def pieces_by_logaddexp(pieces):
    so_far = -np.inf
    for z in pieces:
        so_far = np.logaddexp(so_far, np.logaddexp.reduce(z))
    return so_far


def pieces_in_torch(pieces):
    return torch.logsumexp(torch.from_numpy(pieces).flatten(), 0)


def token_loss_by_torch(z, tokens, pad):
    labels = torch.from_numpy(np.where(tokens == pad, -100, tokens)[:, 1:])
    return F.cross_entropy(torch.from_numpy(z)[:, :-1].flatten(0, 1), labels.flatten())


def token_loss_by_loop(z, tokens, pad):
    nats = [
        -special.log_softmax(rows[t])[text[t + 1]]
        for rows, text in zip(z, tokens, strict=True)
        for t in range(len(text) - 1)
        if text[t + 1] != pad
    ]
    return sum(nats) / len(nats)


RIGHT = [
    ("9.1", 4.0),
    ("9.1", lambda: 16**0.5),
    ("9.2", bits_by_torch),
    ("9.2", bits_by_mean),
    ("9.3", gradient_by_loop),
    ("9.3", gradient_by_where),
    ("9.4", pieces_by_logaddexp),
    ("9.4", pieces_in_torch),
    ("9.5", token_loss_by_torch),
    ("9.5", token_loss_by_loop),
]


@pytest.mark.parametrize("exercise", EXERCISES, ids=BY_KEY)
def test_the_reference_is_right(exercise):
    assert diagnose(exercise, exercise.reference) == f"right. {exercise.afterwards}"
    assert 2 <= len(exercise.hints) <= 3
    assert exercises.solution(exercise.key).data.startswith("```python\ndef ")


@pytest.mark.parametrize(("key", "answer"), RIGHT)
def test_right_answers_written_differently_are_accepted(key, answer):
    assert diagnose(BY_KEY[key], answer).startswith("right.")


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES)
def test_each_mistake_is_named_as_itself_and_as_no_other(exercise, mistake):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert diagnose(exercise, mistake.wrong) == f"not yet. {mistake.message}"
    assert sum(other.message == mistake.message for other in exercise.mistakes) == 1
    assert "?" in mistake.message


def test_the_snippet_of_the_chapter_is_recognised():
    def as_found(z, tokens, pad):
        labels = tokens[:, 1:]
        log_p = losses.log_softmax(z[:, :-1])
        log_p, labels = log_p[:, :-1], labels[:, 1:]
        nats = -np.take_along_axis(log_p, labels[..., None], axis=-1)[..., 0]
        return nats.mean()

    assert "two mistakes" in diagnose(BY_KEY["9.5"], as_found)


def test_the_streaming_sum_of_the_chapter_is_told_what_it_misses():
    """Section 9.10's version is right for finite logits; the exercise has pieces that are masked whole."""

    def online_logsumexp(pieces):
        m, s = -np.inf, 0.0
        with np.errstate(invalid="ignore"):
            for z in pieces:
                m_new = max(m, z.max())
                s = s * np.exp(m - m_new) + np.exp(z - m_new).sum()
                m = m_new
        return m + np.log(s)

    assert "all −∞" in diagnose(BY_KEY["9.4"], online_logsumexp)


def test_a_mistake_of_another_kind_gets_the_input_on_which_it_shows():
    assert "What came on" in diagnose(BY_KEY["9.5"], lambda z, tokens, pad: 3 * token_loss_by_loop(z, tokens, pad))


@pytest.mark.parametrize("exercise", EXERCISES, ids=BY_KEY)
def test_an_untouched_stub_gets_the_task(exercise):
    assert diagnose(exercise, ...) == f"not attempted yet. {exercise.task}"
