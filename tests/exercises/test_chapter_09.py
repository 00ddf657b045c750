"""Chapter 9's exercises: what the catalogue's test does not see."""

import numpy as np

from xent_helpers import exercises, losses


def test_the_snippet_of_the_chapter_is_recognised():
    def my_next_token_loss(z, tokens, pad):
        labels = tokens[:, 1:]
        log_p = losses.log_softmax(z[:, :-1])
        log_p, labels = log_p[:, :-1], labels[:, 1:]
        nats = -np.take_along_axis(log_p, labels[..., None], axis=-1)[..., 0]
        return nats.mean()

    assert "two mistakes" in str(exercises.examine("9.5", my_next_token_loss))


def test_the_streaming_sum_of_the_chapter_is_told_what_it_misses():
    """This version of section 9.14's merge is right for finite logits; the exercise has pieces that are all masked."""

    def online_logsumexp(pieces):
        m, s = -np.inf, 0.0
        for z in pieces:
            m_new = max(m, z.max())
            s = s * np.exp(m - m_new) + np.exp(z - m_new).sum()
            m = m_new
        return m + np.log(s)

    assert "all −∞" in str(exercises.examine("9.4", online_logsumexp))
