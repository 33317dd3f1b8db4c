import numpy as np

from thyroid_model.evaluation import components


def test_parts_that_do_not_touch_get_numbers_of_their_own() -> None:
    labels = components.label(np.array([[1, 1, 0, 1], [0, 0, 0, 1], [1, 0, 0, 0]], np.bool_))

    np.testing.assert_array_equal(labels, [[0, 0, -1, 1], [-1, -1, -1, 1], [2, -1, -1, -1]])


def test_parts_that_touch_at_a_corner_are_one() -> None:
    np.testing.assert_array_equal(components.label(np.eye(4, dtype=np.bool_)), np.eye(4, dtype=np.intp) - 1)
    np.testing.assert_array_equal(components.label(np.eye(4, dtype=np.bool_)[::-1]), np.eye(4, dtype=np.intp)[::-1] - 1)


def test_the_end_of_a_row_does_not_touch_the_start_of_the_next() -> None:
    mask = np.zeros((3, 5), np.bool_)
    mask[0, 4] = mask[2, 0] = mask[1, 4] = True

    assert components.label(mask)[2, 0] == 1


def test_arms_that_meet_at_the_bottom_are_one() -> None:
    mask = np.array([[1, 0, 1, 0, 1], [1, 0, 1, 0, 1], [1, 1, 1, 1, 1]], np.bool_)

    assert components.label(mask).max() == 0


def test_an_empty_mask_has_no_part() -> None:
    assert (components.label(np.zeros((3, 4), np.bool_)) == -1).all()
